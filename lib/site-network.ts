import { Validations } from 'aws-cdk-lib'
import {
  CfnVPCEndpoint,
  type ISecurityGroup,
  type ISubnet,
  type IVpc,
  SecurityGroup,
  Subnet,
  type SubnetSelection,
  Vpc,
} from 'aws-cdk-lib/aws-ec2'
import { ArnFormat, Fn, Stack } from 'aws-cdk-lib'
import { Effect, PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam'
import { Construct } from 'constructs'
import type { Deployment } from './deployment-config.ts'
import { wildcardFinding } from './rule-findings.ts'

/** What Lambda does with a function's role to attach it to a VPC. */
const attaching = [
  'ec2:CreateNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSubnets',
  'ec2:DeleteNetworkInterface',
  'ec2:AssignPrivateIpAddresses',
  'ec2:UnassignPrivateIpAddresses',
]

/**
 * An existing VPC through which the sites are reached. Named by ids, so that synthesis looks nothing up.
 * Archive bytes reach S3 over a gateway endpoint. Secrets Manager has none: the VPC needs an interface endpoint
 * `com.amazonaws.<region>.secretsmanager`, or a route out, or the functions hang until their time is up.
 */
export class SiteNetwork extends Construct {
  /** Props of a function that lives in it. */
  readonly placement: { vpc: IVpc; vpcSubnets: SubnetSelection; securityGroups: ISecurityGroup[] }

  constructor(scope: Construct, id: string, config: NonNullable<Deployment['vpc']>) {
    super(scope, id)
    const { vpcId, subnetIds, securityGroupIds, s3RouteTableIds } = config
    this.placement = {
      // Lambda takes the subnets by id and never asks for their zones.
      vpc: Vpc.fromVpcAttributes(this, 'Vpc', { vpcId, availabilityZones: [Fn.select(0, Fn.getAzs())] }),
      vpcSubnets: { subnets: subnetIds.map((subnetId) => this.subnet(subnetId)) },
      securityGroups: securityGroupIds.map((groupId) => SecurityGroup.fromSecurityGroupId(this, groupId, groupId)),
    }
    if (s3RouteTableIds.length > 0) {
      new CfnVPCEndpoint(this, 'S3', {
        vpcId,
        serviceName: `com.amazonaws.${Stack.of(this).region}.s3`,
        vpcEndpointType: 'Gateway',
        routeTableIds: s3RouteTableIds,
      })
    }
  }

  /**
   * Let Lambda attach a function to the VPC with the function's role, and nobody else: the function's own code could else
   * make and remove network interfaces (Lambda developer guide, "Giving Lambda functions access to resources in a VPC").
   */
  grantAttach(role: Role, functionName: string): void {
    role.addToPolicy(new PolicyStatement({ actions: attaching, resources: ['*'] }))
    role.addToPolicy(
      new PolicyStatement({
        effect: Effect.DENY,
        actions: attaching,
        resources: ['*'],
        conditions: { ArnEquals: { 'lambda:SourceFunctionArn': functionArn(this, functionName) } },
      }),
    )
    Validations.of(role).acknowledge({
      id: wildcardFinding('*'),
      reason: 'Lambda attaches network interfaces with it, whose ids nobody knows beforehand.',
    })
  }

  private subnet(subnetId: string): ISubnet {
    const subnet = Subnet.fromSubnetId(this, subnetId, subnetId)
    Validations.of(subnet).acknowledge({
      id: '@aws-cdk/aws-ec2:noSubnetRouteTableId',
      reason: 'The route tables are configured apart, where an endpoint is wanted.',
    })
    return subnet
  }
}

/** By its name: the function itself waits for the role that this is for. */
function functionArn(scope: Construct, functionName: string): string {
  return Stack.of(scope).formatArn({
    service: 'lambda',
    resource: 'function',
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    resourceName: functionName,
  })
}

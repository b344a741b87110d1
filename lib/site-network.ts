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
import { Fn, Stack } from 'aws-cdk-lib'
import { ManagedPolicy, type Role } from 'aws-cdk-lib/aws-iam'
import { Construct } from 'constructs'
import type { Deployment } from './deployment-config.ts'
import { printed } from './rule-findings.ts'

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

  /** Let a function's role attach it to the VPC. */
  grantAttach(role: Role): void {
    const policy = ManagedPolicy.fromAwsManagedPolicyName('service-role/AWSLambdaVPCAccessExecutionRole')
    role.addManagedPolicy(policy)
    Validations.of(role).acknowledge({
      id: `AwsSolutions-IAM4[Policy::${printed(role, policy.managedPolicyArn)}]`,
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

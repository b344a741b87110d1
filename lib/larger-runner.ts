import { Duration, RemovalPolicy, Token, Validations } from 'aws-cdk-lib'
import {
  type BuildEnvironmentVariable,
  CfnProject,
  ComputeType,
  LinuxArmBuildImage,
  LinuxBuildImage,
} from 'aws-cdk-lib/aws-codebuild'
import { Grant, Role } from 'aws-cdk-lib/aws-iam'
import type { CfnFunction } from 'aws-cdk-lib/aws-lambda'
import { LogGroup } from 'aws-cdk-lib/aws-logs'
import { Bucket } from 'aws-cdk-lib/aws-s3'
import { type IChainable, type TaskStateBase, Timeout } from 'aws-cdk-lib/aws-stepfunctions'
import { Construct } from 'constructs'
import type { ArchiveAccess } from './archive-access.ts'
import type { Deployment } from './deployment-config.ts'
import { type ExportFunctions, requiredLock } from './export-functions.ts'
import type { Jsonata } from './workflows/lambda-task.ts'
import { byteMoverNodeOptions } from './node-options.ts'
import { ownerVariables } from './owner-variables.ts'
import { forThisAccount } from './own-account.ts'
import { BuildToItsEnd } from './workflows/build-to-its-end.ts'
import { asRetry, buildNeverStarted } from './workflows/retry-policies.ts'

/** Template metadata that marks the project; `local/run/synthesised.ts` finds it by it. */
export const RUNNER_METADATA = 'guestlift:runner'

/** CodeBuild's longest (service quota): at 75 MiB/s that is 9 TiB. */
const LONGEST = Duration.hours(36)
/** How long a build waits for its turn: accounts begin with one build of this kind at a time. */
const LONGEST_QUEUE = Duration.hours(8)

/**
 * Calls the function's handler as Lambda does, with a context that only knows the time that is left. The reading is the
 * bundle's own; this is all there is beside it.
 */
const CALL_HANDLER = `
const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 15)) {
  console.error("zstd needs Node.js 22.15 or newer, and this is " + process.version);
  process.exit(1);
}
const end = Date.now() + Number(process.env.GUESTLIFT_SECONDS) * 1000;
require("./index.js").handler(JSON.parse(process.env.GUESTLIFT_PAYLOAD), {
  getRemainingTimeInMillis: () => Math.max(0, end - Date.now()),
}).then(
  (answer) => { console.log(JSON.stringify(answer)); process.exit(0); },
  (error) => { console.error(error); process.exit(1); },
);`.replaceAll(/\n\s*/g, ' ')

interface LargerRunnerProps {
  deployment: Deployment
  functions: ExportFunctions
  archive: ArchiveAccess
}

/**
 * Reads archives that don't fit a function's quarter of an hour, with that function's own bundle, in a build of AWS
 * CodeBuild: nothing runs between builds, there is no VPC and no image of ours, and one may take a day and a half.
 */
export class LargerRunner extends Construct {
  readonly #project: CfnProject

  constructor(scope: Construct, id: string, { deployment, functions, archive }: LargerRunnerProps) {
    super(scope, id)
    const name = `guestlift-${deployment.name}-verify-at-length`
    const log = new LogGroup(this, 'Log', {
      logGroupName: `/aws/codebuild/${name}`,
      retention: deployment.logRetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    })
    const role = new Role(this, 'Role', {
      assumedBy: forThisAccount(this, 'codebuild.amazonaws.com'),
      description: 'What the larger runner of Guestlift may do',
    })
    const bundle = bundleOf(functions.of('VerifyDeep').function.node.defaultChild as CfnFunction)
    const assets = Bucket.fromBucketName(this, 'Assets', bundle.bucket)
    const logged = log.grantWrite(role)
    const fetched = [
      Grant.addToPrincipal({
        grantee: role,
        actions: ['s3:GetObject', 's3:GetObjectVersion'],
        resourceArns: [assets.arnForObjects(bundle.key)],
      }),
      Grant.addToPrincipal({
        grantee: role,
        actions: ['s3:GetBucketAcl', 's3:GetBucketLocation'],
        resourceArns: [assets.bucketArn],
      }),
    ]
    archive.grantRead(role, 'archives/*')
    archive.grantWriteVerification(role)
    archive.grantSeeLocks(role)

    const lock = requiredLock(deployment)
    const image = imageIn(deployment.region)
    this.#project = new CfnProject(this, 'Project', {
      name,
      description: 'Guestlift: verify at length',
      serviceRole: role.roleArn,
      artifacts: { type: 'NO_ARTIFACTS' },
      source: { type: 'S3', location: `${bundle.bucket}/${bundle.key}`, buildSpec: JSON.stringify(buildSpec) },
      environment: {
        type: image.type,
        image: image.imageId,
        computeType: ComputeType.SMALL,
        privilegedMode: false,
        environmentVariables: Object.entries({
          ARCHIVE_BUCKET: archive.bucket.bucketName,
          ...(deployment.bucket.keyPrefix !== '' && { KEY_PREFIX: deployment.bucket.keyPrefix }),
          ...(lock !== undefined && { REQUIRED_LOCK: lock }),
          ...ownerVariables(this, deployment),
          NODE_OPTIONS: byteMoverNodeOptions,
          // The build stops itself in time for its verdict, as the function does.
          GUESTLIFT_SECONDS: String(LONGEST.toSeconds() - Duration.minutes(10).toSeconds()),
        }).map(([key, value]) => ({ name: key, value })),
      },
      logsConfig: { cloudWatchLogs: { status: 'ENABLED', groupName: log.logGroupName } },
      timeoutInMinutes: LONGEST.toMinutes(),
      queuedTimeoutInMinutes: LONGEST_QUEUE.toMinutes(),
    })
    this.#project.addMetadata(RUNNER_METADATA, 'verify-at-length')
    for (const grant of [logged, ...fetched]) grant.applyBefore(this.#project)
    Validations.of(this.#project).acknowledge({
      id: 'AwsSolutions-CB4',
      reason: 'The build has no artifacts and no cache that a key of our own would encrypt.',
    })
  }

  /** The state that reads an archive here and waits for the end of it. */
  verifyAtLength(scope: Construct, { folder, onError }: { folder: Jsonata; onError: IChainable }): TaskStateBase {
    const payload = folder.replace(/^{%(.*)%}$/, "{% $string({'folder':$1}) %}")
    return new BuildToItsEnd(scope, 'Verify at length', {
      project: this.#project,
      environmentVariablesOverride: { GUESTLIFT_PAYLOAD: { value: payload } satisfies BuildEnvironmentVariable },
      taskTimeout: Timeout.duration(LONGEST.plus(LONGEST_QUEUE).plus(Duration.hours(1))),
    })
      .addRetry(asRetry(buildNeverStarted))
      .addCatch(onError)
  }
}

/**
 * Regions with ARM containers (CodeBuild API reference, ProjectEnvironment and Fleet, "type"): a project of this type can't
 * be made elsewhere.
 */
const regionsWithArm = new Set([
  'us-east-1',
  'us-east-2',
  'us-west-2',
  'eu-west-1',
  'eu-central-1',
  'ap-south-1',
  'ap-northeast-1',
  'ap-southeast-1',
  'ap-southeast-2',
  'sa-east-1',
])

/** ARM is the cheaper one and not everywhere; x86 does where the region isn't known before it is deployed to. */
function imageIn(region: string | undefined): { type: string; imageId: string } {
  return region !== undefined && regionsWithArm.has(region)
    ? LinuxArmBuildImage.AMAZON_LINUX_2023_STANDARD_4_0
    : LinuxBuildImage.AMAZON_LINUX_2023_6
}

const buildSpec = {
  version: '0.2',
  phases: {
    install: { 'runtime-versions': { nodejs: '24' } },
    build: { commands: [`node -e '${CALL_HANDLER}'`] },
  },
}

/** Where a function's code asset lies, as a zip: CodeBuild unpacks it and begins there. */
function bundleOf(resource: CfnFunction): { bucket: string; key: string } {
  const { code } = resource
  const { s3Bucket: bucket, s3Key: key } = Token.isUnresolved(code) ? {} : (code as CfnFunction.CodeProperty)
  if (bucket === undefined || key === undefined) throw new Error(`${resource.node.path} has no asset in S3`)
  return { bucket, key }
}

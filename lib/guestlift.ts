import { CfnOutput, Duration, Stack, Token } from 'aws-cdk-lib'
import type { ITopic } from 'aws-cdk-lib/aws-sns'
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions'
import { Construct } from 'constructs'
import { LONGEST_QUEUE_SECONDS } from '../functions/domain/backup/dump-queue.ts'
import { LONGEST_DUMP_DAYS } from '../functions/domain/backup/poll-wait.ts'
import { LONGEST_COPY_DAYS } from '../functions/domain/transfer/slowest-line.ts'
import { type ArchivePlace, archiveOf, requirePlaceOf } from './archive-place.ts'
import { foreignOwner } from './account-config.ts'
import { obeyAccount } from './account-demands.ts'
import { coverageChecks } from './coverage-checks.ts'
import { dashboard } from './dashboard.ts'
import { type Deployment, type DeploymentConfig, parseDeployment } from './deployment-config.ts'
import { azureLogin } from './azure-access.ts'
import { ec2Access } from './ec2-access.ts'
import { ec2RestoreAccess } from './ec2-restore-access.ts'
import { ExportFunctions } from './export-functions.ts'
import { FailureNotice } from './failure-notice.ts'
import { FurtherSites } from './further-sites.ts'
import { type PlannedStart, scheduledDrills, scheduledRuns, Schedules } from './schedule.ts'
import { shareSites } from './site-shares.ts'
import { SiteNetwork } from './site-network.ts'
import { SiteSecrets } from './site-secrets.ts'
import { LargerRunner } from './larger-runner.ts'
import { MapResults } from './map-results.ts'
import { Workflow } from './workflow.ts'
import { CleanUp } from './clean-up.ts'
import { Restores } from './restores.ts'
import type { Branch } from './workflows/branches/branch.ts'
import { branches as knownBranches } from './workflows/branches/branches.ts'
import { exportGuest } from './workflows/export-guest.ts'
import { exportRun, sampleInput } from './workflows/export-run.ts'
import { judgeCoverage } from './workflows/judge-coverage.ts'
import { pruneArchives, samplePruning } from './workflows/prune-archives.ts'
import { sweepUploads } from './workflows/sweep-uploads.ts'
import { verifyArchives } from './workflows/verify-archives.ts'

/** Each part of a guest's way ends by itself, with its own error; only what is stuck meets this limit. */
const LONGEST_GUEST = Duration.days(LONGEST_QUEUE_SECONDS / 86_400 + LONGEST_DUMP_DAYS + LONGEST_COPY_DAYS + 1)

/** The platforms that a deployment serves. */
export interface Platforms {
  /** By platform. */
  branches?: Readonly<Record<string, Branch>>
  /** Path of a module that stands in for `functions/providers/registry.ts`. */
  registry?: string
}

/** A deployment, as `lib/deployments/example.ts` shows it. Account and region are those of the stack. */
export interface GuestliftProps extends Omit<DeploymentConfig, 'account' | 'region' | 'bucket'> {
  /** Where the archives go: a `GuestliftStorage`, best in a stack of its own. */
  storage: ArchivePlace
}

/** Everything that moves archives: functions, workflows, schedules, and who is told when they fail. */
export class Guestlift extends Construct {
  /** Archives the guests of one job. */
  readonly exportRun: StateMachine
  /** Brings one guest back. */
  readonly restoreGuest: StateMachine
  /** Where failures and alarms are told. */
  readonly failureTopic: ITopic

  /**
   * @param platforms other branches and another registry than the product's own
   * @throws DeploymentConfigError
   */
  constructor(scope: Construct, id: string, props: GuestliftProps, platforms: Platforms = {}) {
    super(scope, id)
    const { storage, ...config } = props
    const deployment = deploymentIn(this, config, storage)
    const { branches = knownBranches, registry } = platforms
    const mapResults = foreignOwner(deployment) === undefined ? undefined : new MapResults(this, 'MapResults').bucket
    const archive = archiveOf(this, storage, mapResults)
    const secrets = new SiteSecrets(this, 'Sites', deployment.siteSecretPrefix, deployment.sites)
    const network = deployment.vpc && new SiteNetwork(this, 'Network', deployment.vpc)
    const functions = new ExportFunctions(this, 'Functions', {
      deployment,
      archive,
      secrets,
      ec2: ec2Access(this, 'Ec2', deployment.ec2),
      ec2Restores: ec2RestoreAccess(this, 'Ec2Restore', deployment.ec2),
      azure: azureLogin(this, 'Azure', deployment.azure),
      network,
      registry,
    })

    const run = new Workflow(this, 'ExportRun', {
      name: 'export-run',
      deployment,
      description: `Archives the guests of one job. Start it with: ${JSON.stringify(sampleInput)}`,
      // Longer than any one guest takes.
      timeout: LONGEST_GUEST.plus(Duration.days(5)),
      story: (within) =>
        exportRun(within, { functions, branches, archive, maxConcurrency: deployment.transfer.maxConcurrency }),
    })
    archive.grantMapFiles(run.machine.role, 'runs')
    const guest = new Workflow(this, 'ExportGuest', {
      name: 'export-guest',
      deployment,
      description: "Archives one guest. Start it with one item of a run's plan.json to repeat that guest alone.",
      timeout: LONGEST_GUEST,
      story: (within) => exportGuest(within, functions, branches),
    })

    const sweep = new Workflow(this, 'SweepUploads', {
      name: 'sweep-uploads',
      deployment,
      description:
        'Drops uploads that nobody goes on with and what backups left on platforms. Start it with {"dryRun": true} to only look.',
      timeout: Duration.hours(6),
      story: (within) => sweepUploads(within, { functions, sites: deployment.sites }),
    })

    const prune = new Workflow(this, 'PruneArchives', {
      name: 'prune-archives',
      deployment,
      description: `Applies a retention to all archives of a site. Start it with: ${JSON.stringify(samplePruning)}`,
      timeout: Duration.days(1),
      story: (within) => pruneArchives(within, functions),
    })

    const coverage = new Workflow(this, 'JudgeCoverage', {
      name: 'judge-coverage',
      deployment,
      description: `Judges which guests of a site have a recent archive. Start it with: {"site":"${deployment.sites[0]}"}`,
      timeout: Duration.hours(6),
      story: (within) => judgeCoverage(within, functions),
    })

    const runner =
      deployment.verification.runner === 'codebuild'
        ? new LargerRunner(this, 'LargerRunner', { deployment, functions, archive })
        : undefined
    const verify = new Workflow(this, 'VerifyArchives', {
      name: 'verify-archives',
      deployment,
      description:
        'Reads whole what is due to be verified. Start it with {}, or with {"archives": ["archives/hq/vm-100/"]} to read these now.',
      timeout: Duration.days(7),
      story: (within) => verifyArchives(within, { ...deployment.verification, functions, archive, runner }),
    })
    archive.grantMapFiles(verify.machine.role, 'verifications')

    /** What is started of itself for these sites. */
    const startsOf = (sites: readonly string[]): PlannedStart[] => [
      ...scheduledRuns(
        deployment.schedules.filter(({ job }) => sites.includes(job.site)),
        run,
      ),
      ...deployment.retention
        .filter(({ site }) => sites.includes(site))
        .map(({ site, retention, ...when }) => ({
          name: `prune.${site}`,
          description: `prune the archives of site ${site}`,
          ...when,
          workflow: prune,
          input: { site, retention },
        })),
      ...coverageChecks(deployment, sites, coverage),
      ...scheduledDrills(
        deployment.drills.filter(({ request }) => sites.includes(request.site)),
        restores.drill,
      ),
    ]
    const cleanUp = new CleanUp(this, 'CleanUp', { deployment, functions, run, guest })
    const restores = new Restores(this, 'Restores', { deployment, functions, missed: cleanUp.missed })
    const [sites, ...further] = shareSites(deployment)
    const groupName = `guestlift-${deployment.name}`
    const schedules = new Schedules(this, 'Schedules', {
      groupName,
      starts: [
        {
          name: 'sweep.uploads',
          description: 'drop uploads that nobody goes on with',
          ...deployment.sweep,
          timezone: 'Etc/UTC',
          workflow: sweep,
          input: { dryRun: false },
        },
        ...startsOf(sites),
        {
          name: 'verify.archives',
          description: 'read back whole the archives that are due',
          ...deployment.verification,
          timezone: 'Etc/UTC',
          workflow: verify,
          // The workflow knows the deployment's policy.
          input: {},
        },
      ],
    })
    const others = [guest, sweep, verify, prune, coverage, restores.guest, restores.cleanUp, restores.drill]
    if (deployment.dashboard) {
      const { bucketName } = archive.bucket
      dashboard(this, { deployment, bucketName, workflows: [run, ...others, cleanUp.workflow] })
    }
    const { topic } = new FailureNotice(this, 'FailureNotice', {
      deployment,
      run,
      others,
      cleanUp,
      schedules,
      sites,
    })
    for (const [index, itsSites] of further.entries()) {
      const id = `Sites${index + 2}`
      const its = { groupName: `${groupName}-sites-${index + 2}`, starts: startsOf(itsSites), missed: schedules.missed }
      new FurtherSites(this, id, { deployment, sites: itsSites, topic, ...its })
    }

    obeyAccount(this, deployment, schedules.roles)

    new CfnOutput(this, 'ExportRunArn', { value: run.machine.stateMachineArn })
    new CfnOutput(this, 'ExportGuestArn', { value: guest.machine.stateMachineArn })
    new CfnOutput(this, 'SweepUploadsArn', { value: sweep.machine.stateMachineArn })
    new CfnOutput(this, 'JudgeCoverageArn', { value: coverage.machine.stateMachineArn })
    new CfnOutput(this, 'VerifyArchivesArn', { value: verify.machine.stateMachineArn })
    new CfnOutput(this, 'RestoreDrillArn', { value: restores.drill.machine.stateMachineArn })
    new CfnOutput(this, 'RestoreGuestArn', { value: restores.guest.machine.stateMachineArn })
    new CfnOutput(this, 'ArchiveBucketName', { value: archive.bucket.bucketName })
    new CfnOutput(this, 'FailureTopicArn', { value: topic.topicArn })

    this.exportRun = run.machine
    this.restoreGuest = restores.guest.machine
    this.failureTopic = topic
  }
}

/** @throws DeploymentConfigError */
function deploymentIn(scope: Construct, config: Omit<GuestliftProps, 'storage'>, storage: ArchivePlace): Deployment {
  const { account, region } = Stack.of(scope)
  const deployment = parseDeployment(
    {
      ...config,
      account: Token.isUnresolved(account) ? undefined : account,
      region: Token.isUnresolved(region) ? undefined : region,
      bucket: storage.config,
    },
    scope.node.path,
  )
  requirePlaceOf(scope, deployment.name, storage)
  return deployment
}

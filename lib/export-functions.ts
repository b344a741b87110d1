import { Construct } from 'constructs'
import { MANIFEST_NAME, rootFiles } from '../functions/domain/books/object-keys.ts'
import { type TaskEnv, type TaskName, tasks } from '../functions/contracts/tasks.ts'
import type { ArchiveAccess, Keys } from './archive-access.ts'
import type { AzureLogin } from './azure-access.ts'
import type { Deployment } from './deployment-config.ts'
import type { Ec2Access, InstanceWork } from './ec2-access.ts'
import type { DiskWork, Ec2RestoreAccess } from './ec2-restore-access.ts'
import { ExportFunction } from './export-function.ts'
import { ownerVariables } from './owner-variables.ts'
import { functionNodeOptions } from './node-options.ts'
import type { SiteNetwork } from './site-network.ts'
import type { SiteSecrets } from './site-secrets.ts'

/** Lambda's longest (service quota). A copy stops itself before and hands back the next part. */
const LONGEST_SECONDS = 900

interface TaskNeeds {
  memoryMiB: number
  /** Above the longest inner wait of the operation, so that its own error is told and not a killed function. */
  timeoutSeconds: number
  read?: Keys[]
  /** Logs in to a site's platform, and shares the login with the others that do. */
  logsIn?: boolean
  /** A conditional write needs to read as well. */
  write?: Keys[]
  remove?: Keys[]
  /** Multipart uploads of archives: to open and fill them, to make objects of them, to see their parts, to find and end them. */
  uploads?: ('fill' | 'complete' | 'inspect' | 'abort')[]
  /** `test`: try out the store before a run; `sweep`: abort uploads that such tests left. */
  storeTests?: 'test' | 'sweep'
  /** Write what reading archives found. */
  verdicts?: boolean
  /** `see`: what locks archives, holds too; `read-back`: the locks that were set; `set`: a lock on what is written. */
  locks?: ('see' | 'read-back' | 'set')[]
  /** Remove versions of archives for good. */
  prune?: boolean
  /** Log in to a site with its account for restores, in place of the one for backups. */
  restores?: boolean
  /** Have S3 thaw archives. */
  thaws?: boolean
  /** `fill`: take disks out of archives; `remove`: remove them when the restore ends. */
  unpacked?: 'fill' | 'remove'
  /** What it does with instances of AWS EC2, where the deployment has such sites. */
  instances?: InstanceWork[]
  /** What it does with disks that are brought back to AWS EC2, where the deployment lets it. */
  disks?: DiskWork[]
  /** Whole archives pass through its memory. */
  movesBytes?: boolean
}

/** Records of open uploads, apart from what tests of the store write below `uploads/test/`. */
const UPLOAD_RECORDS = 'uploads/archives/*'
/** Which archives people keep out of every pruning. */
const PINS = 'retention/*/pins/*'
/** Plans of disks that are archived in an encoding, and records of their parts. */
const PART_RECORDS = 'uploads/parts/*'
/** How far a guest is, which is read for the tally and replaced. */
const PROGRESS = 'runs/*/progress/*'
const EVIDENCE = 'runs/*/evidence/*'
const OUTCOMES = 'runs/*/guests/*'
const RUN_PLANS = 'runs/*/plan.json'
const MANIFESTS = `archives/*/${MANIFEST_NAME}` as const
const RESTORE_RECORDS = 'restores/*/restore.json'
/** Which ranges of a file were brought. */
const DELIVERED = 'restores/*/delivered/*'
/** Beside disks that are archived in an encoding: what their parts are, and what was ever written of them. */
const DISK_PLANS: Keys[] = ['archives/*/*.parts.json', 'archives/*/*.map.json']
/** What the platform said of an archived guest. */
const DESCRIPTIONS = 'archives/*/guest.json'
/** A guest's configuration file, its firmware variables, descriptors of its disks. */
const SIDE_FILES = 'archives/*/side/*'
/** Which restore has an id of a site. */
const RESTORE_LEASES = 'restores/open/*'
/** When guests were rehearsed last. Whoever finds none reads all evidence, and writes it anew. */
const REHEARSAL_BOOKS = 'drills/sites/*'

/** The sweep finishes dead restores as their own executions would have. */
const finishesRestores: TaskNeeds = {
  disks: ['look', 'remove'],
  restores: true,
  unpacked: 'remove',
  logsIn: true,
  memoryMiB: 512,
  timeoutSeconds: LONGEST_SECONDS,
  read: [MANIFESTS, 'restores/*', 'sites/*', 'streams/*', 'drills/*'],
  write: [RESTORE_RECORDS, 'restores/*/report.json', RESTORE_LEASES, 'streams/*', 'drills/*'],
  remove: [RESTORE_LEASES],
}

/** Who gets what. Whether a task talks to a site, and so reads its secret, says its contract's environment. */
const needs = {
  Authenticate: {
    instances: ['look', 'freeze'],
    logsIn: true,
    memoryMiB: 512,
    timeoutSeconds: 120,
    read: ['runs/*', 'schedules/*'],
    write: ['runs/*/job.json', 'schedules/*'],
    storeTests: 'test',
  },
  // Its own list of the site's guests tells which of them are absent.
  PlanRun: {
    instances: ['look', 'freeze'],
    logsIn: true,
    memoryMiB: 512,
    timeoutSeconds: 300,
    read: ['catalogue/*', 'sites/*'],
    write: [RUN_PLANS, 'runs/*/selection.json', OUTCOMES, 'sites/*'],
  },
  StartBackup: {
    instances: ['look', 'freeze'],
    logsIn: true,
    memoryMiB: 512,
    timeoutSeconds: 300,
    read: ['claims/*', 'dumps/*', PROGRESS],
    write: ['claims/*', 'dumps/*', PROGRESS],
  },
  CheckBackup: {
    instances: ['look'],
    logsIn: true,
    memoryMiB: 512,
    timeoutSeconds: 120,
    read: ['claims/*', 'dumps/*', PROGRESS],
    write: ['claims/*', 'dumps/*', PROGRESS],
  },
  LocateArchive: {
    instances: ['look'],
    logsIn: true,
    memoryMiB: 1024,
    timeoutSeconds: 300,
    read: ['claims/*', EVIDENCE],
    write: [EVIDENCE],
  },
  OpenUpload: {
    instances: ['read-blocks'],
    memoryMiB: 1024,
    timeoutSeconds: 300,
    read: ['archives/*', PART_RECORDS, UPLOAD_RECORDS],
    write: [PART_RECORDS, UPLOAD_RECORDS],
    uploads: ['fill', 'abort'],
    locks: ['set'],
  },
  PlanCopies: {
    memoryMiB: 512,
    timeoutSeconds: 120,
    read: ['claims/*', 'dumps/*', PART_RECORDS, PROGRESS, 'streams/*'],
    write: ['claims/*', 'dumps/*', PROGRESS, 'streams/*'],
    uploads: ['inspect'],
  },
  CopyParts: {
    instances: ['read-blocks'],
    memoryMiB: 1769,
    timeoutSeconds: LONGEST_SECONDS,
    movesBytes: true,
    read: ['claims/*', PART_RECORDS],
    write: ['claims/*', PART_RECORDS],
    uploads: ['fill'],
  },
  // S3 can take minutes to put thousands of parts together. A disk's last part is made of the others: its seek table.
  CompleteUpload: {
    instances: ['read-blocks'],
    memoryMiB: 1024,
    timeoutSeconds: LONGEST_SECONDS,
    read: ['archives/*', 'claims/*', PART_RECORDS, UPLOAD_RECORDS],
    write: ['claims/*', PART_RECORDS, UPLOAD_RECORDS],
    remove: [PART_RECORDS],
    uploads: ['fill', 'complete'],
  },
  VerifyArchive: { memoryMiB: 512, timeoutSeconds: 120, read: ['archives/*'] },
  WriteManifest: {
    memoryMiB: 1024,
    timeoutSeconds: 120,
    read: ['archives/*', EVIDENCE, PART_RECORDS, UPLOAD_RECORDS],
    write: [
      `archives/*/${MANIFEST_NAME}`,
      'archives/*/guest.json',
      'archives/*/side/*',
      'archives/*/*.log',
      'archives/*/*.notes',
      'archives/*/*.parts.json',
      'archives/*/*.map.json',
      'archives/*/*.frames.json',
      PINS,
    ],
    remove: [PART_RECORDS, UPLOAD_RECORDS],
    locks: ['read-back', 'set'],
  },
  // A first run may have thousands of old archives to remove; what is left when time runs out is the next run's.
  ApplyRetention: {
    memoryMiB: 512,
    timeoutSeconds: LONGEST_SECONDS,
    read: ['archives/*', 'catalogue/*', 'retention/*'],
    write: ['retention/*'],
    remove: ['retention/*'],
    prune: true,
  },
  // Removing a source copy and stopping a job wait for the platform's own task.
  ReleaseBackup: {
    instances: ['look', 'remove'],
    logsIn: true,
    memoryMiB: 512,
    timeoutSeconds: 600,
    read: ['claims/*', 'dumps/*', EVIDENCE],
    write: ['claims/*', 'dumps/*', OUTCOMES],
  },
  RecordFailure: {
    instances: ['look', 'remove'],
    logsIn: true,
    memoryMiB: 512,
    timeoutSeconds: 600,
    read: ['claims/*', 'dumps/*', EVIDENCE, PROGRESS, 'streams/*', UPLOAD_RECORDS],
    write: ['claims/*', 'dumps/*', OUTCOMES, 'streams/*'],
    remove: [PART_RECORDS, UPLOAD_RECORDS],
    uploads: ['abort'],
  },
  // A plan may hold thousands of guests, and each has a claim to be looked at.
  FindLeftovers: { memoryMiB: 1024, timeoutSeconds: 300, read: ['claims/*', RUN_PLANS] },
  // A bucket may hold thousands of uploads; whatever is left when time runs out is the next sweep's.
  SweepStrays: {
    instances: ['look', 'remove'],
    logsIn: true,
    memoryMiB: 512,
    timeoutSeconds: LONGEST_SECONDS,
    read: ['claims/*', MANIFESTS, 'sites/*', 'sweeps/*'],
    write: ['sweeps/*'],
  },
  SweepUploads: {
    memoryMiB: 1024,
    timeoutSeconds: LONGEST_SECONDS,
    read: ['claims/*', 'sweeps/*', UPLOAD_RECORDS],
    write: ['sweeps/*'],
    remove: [PART_RECORDS, UPLOAD_RECORDS],
    uploads: ['inspect', 'abort'],
    storeTests: 'sweep',
  },
  // Thousands of guests in one answer of the site.
  PlanPruning: {
    instances: ['look'],
    logsIn: true,
    memoryMiB: 512,
    timeoutSeconds: 300,
    read: ['sites/*'],
    write: ['prunings/*', 'sites/*'],
  },
  // As Apply retention, for all guests of a site: called again until it is done.
  PruneArchives: {
    memoryMiB: 1024,
    timeoutSeconds: LONGEST_SECONDS,
    read: ['archives/*', 'catalogue/*', 'prunings/*', 'retention/*'],
    write: ['prunings/*', 'retention/*'],
    remove: ['retention/*'],
    prune: true,
  },
  // One CPU: reading hundreds of thousands of manifests for the first time takes most of a call.
  WriteCatalogue: {
    memoryMiB: 1769,
    timeoutSeconds: LONGEST_SECONDS,
    read: ['archives/*', 'catalogue/*', 'drills/*', ...rootFiles],
    write: ['catalogue/*', REHEARSAL_BOOKS, ...rootFiles],
    remove: ['catalogue/*'],
  },
  JudgeCoverage: {
    instances: ['look'],
    logsIn: true,
    memoryMiB: 1769,
    timeoutSeconds: LONGEST_SECONDS,
    read: ['archives/*', 'catalogue/*', 'drills/*', 'sites/*'],
    write: ['coverage/*', REHEARSAL_BOOKS, 'sites/*'],
  },
  // A bucket may hold archives of thousands of guests; each guest's index saves reading its manifests.
  PlanVerification: {
    memoryMiB: 1024,
    timeoutSeconds: LONGEST_SECONDS,
    read: ['archives/*', 'catalogue/*', 'verifications/*'],
    write: ['verifications/*'],
  },
  // One CPU: with less, decompressing is what an archive waits for.
  VerifyDeep: {
    memoryMiB: 1769,
    timeoutSeconds: LONGEST_SECONDS,
    read: ['archives/*'],
    verdicts: true,
    locks: ['see'],
    movesBytes: true,
  },
  ReportVerification: {
    memoryMiB: 1024,
    timeoutSeconds: 300,
    read: ['archives/*', 'verifications/*'],
    write: ['verifications/*'],
  },
  KeepConfiguration: {
    logsIn: true,
    memoryMiB: 512,
    timeoutSeconds: LONGEST_SECONDS,
    read: ['configurations/*'],
    write: ['configurations/*'],
  },
  ReportRun: {
    memoryMiB: 1024,
    timeoutSeconds: 300,
    read: ['runs/*'],
    write: ['runs/*/report.json', 'runs/*/report.html'],
  },
  PlanRestore: {
    memoryMiB: 1024,
    timeoutSeconds: 300,
    read: ['archives/*', 'catalogue/*', 'restores/*'],
    write: [RESTORE_RECORDS],
  },
  CheckTarget: {
    disks: ['look', 'make'],
    restores: true,
    logsIn: true,
    memoryMiB: 512,
    timeoutSeconds: 300,
    read: ['archives/*', 'restores/*', 'sites/*'],
    write: [RESTORE_RECORDS, RESTORE_LEASES],
  },
  ThawArchive: {
    thaws: true,
    memoryMiB: 512,
    timeoutSeconds: 120,
    read: ['archives/*', 'restores/*'],
    write: [RESTORE_RECORDS, RESTORE_LEASES],
  },
  // Decompressing, the sums and sending each have a thread; parts of large disks are held in memory.
  UnpackDisks: {
    memoryMiB: 3008,
    timeoutSeconds: LONGEST_SECONDS,
    movesBytes: true,
    read: ['archives/*', 'restores/*'],
    write: [RESTORE_RECORDS, RESTORE_LEASES],
    unpacked: 'fill',
  },
  // It signs addresses of what was unpacked: they give no more than its own rights.
  FetchDisks: {
    restores: true,
    logsIn: true,
    memoryMiB: 512,
    timeoutSeconds: 120,
    read: ['restores/*', 'unpacked/*'],
    write: [RESTORE_RECORDS, RESTORE_LEASES],
  },
  PlanDelivery: {
    disks: ['write'],
    restores: true,
    memoryMiB: 512,
    timeoutSeconds: 120,
    read: ['restores/*', 'streams/*'],
    write: [RESTORE_RECORDS, RESTORE_LEASES, 'streams/*'],
  },
  DeliverParts: {
    disks: ['write'],
    restores: true,
    movesBytes: true,
    memoryMiB: 1769,
    timeoutSeconds: LONGEST_SECONDS,
    read: ['archives/*', 'restores/*'],
    write: [DELIVERED, RESTORE_LEASES],
  },
  // A file that has its name already is read whole on the node; the disk may take its time to have it all.
  FinishDelivery: {
    disks: ['write'],
    restores: true,
    memoryMiB: 1024,
    timeoutSeconds: LONGEST_SECONDS,
    read: ['restores/*', ...DISK_PLANS],
    write: [RESTORE_RECORDS, RESTORE_LEASES],
  },
  CreateGuest: {
    restores: true,
    logsIn: true,
    memoryMiB: 512,
    timeoutSeconds: 300,
    read: [MANIFESTS, 'restores/*', 'sites/*'],
    write: [RESTORE_RECORDS, RESTORE_LEASES],
  },
  CheckRestore: {
    disks: ['look', 'make'],
    restores: true,
    logsIn: true,
    memoryMiB: 512,
    timeoutSeconds: 120,
    read: [DESCRIPTIONS, SIDE_FILES, 'restores/*'],
    write: [RESTORE_RECORDS, RESTORE_LEASES],
  },
  // Starting a guest and waiting for its agent takes minutes.
  CompareGuest: {
    disks: ['look', 'list-blocks'],
    restores: true,
    logsIn: true,
    memoryMiB: 512,
    timeoutSeconds: 600,
    read: [DESCRIPTIONS, ...DISK_PLANS, MANIFESTS, 'restores/*', 'sites/*'],
    write: [RESTORE_RECORDS, RESTORE_LEASES],
  },
  // A guest may take ten minutes to boot, and each command one.
  ProbeGuest: {
    restores: true,
    logsIn: true,
    memoryMiB: 512,
    timeoutSeconds: LONGEST_SECONDS,
    read: ['restores/*'],
    write: [RESTORE_RECORDS, RESTORE_LEASES],
  },
  // Its own account only looks: it is the one that sees all guests.
  PlanDrill: {
    instances: ['look'],
    logsIn: true,
    memoryMiB: 1024,
    timeoutSeconds: 300,
    read: ['archives/*', 'catalogue/*', 'drills/*', 'restores/*'],
    write: ['drills/*/plan.json'],
  },
  ReportDrill: { memoryMiB: 512, timeoutSeconds: 120, read: ['drills/*'], write: ['drills/*/report.json'] },
  // Stopping a task and removing a guest wait for the platform.
  FinishRestore: finishesRestores,
  SweepRestores: finishesRestores,
} satisfies Record<TaskName, TaskNeeds>

/** Every variable that some task's contract knows. */
type Variables = { [Name in TaskName]: keyof TaskEnv<Name> }[TaskName]

interface ExportFunctionsProps {
  deployment: Deployment
  archive: ArchiveAccess
  secrets: SiteSecrets
  ec2: Ec2Access
  ec2Restores: Ec2RestoreAccess
  azure: AzureLogin
  network?: SiteNetwork | undefined
  /** Stands in for the product's own registry of platforms. */
  registry?: string | undefined
}

/** As functions read it from their environment; `undefined` where the deployment demands none. */
export function requiredLock({ bucket: { objectLock } }: Deployment): string | undefined {
  return objectLock?.required === true ? `${objectLock.mode}:${objectLock.days}` : undefined
}

/** The longest lock that functions may give. */
function mostLockDays({ bucket: { objectLock, mostLockDays: most } }: Deployment): number {
  return Math.max(most, objectLock?.days ?? 0)
}

/** One function per task of the workflows, by the task's name. */
export class ExportFunctions extends Construct {
  private readonly byTask = new Map<TaskName, ExportFunction<TaskName>>()

  constructor(scope: Construct, id: string, props: ExportFunctionsProps) {
    super(scope, id)
    const { deployment, archive, secrets, ec2, ec2Restores, azure, network, registry } = props
    const { BUCKET_OWNER, OBJECT_ACL } = ownerVariables(this, deployment)
    const variables: Record<Variables, string | undefined> = {
      BUCKET_OWNER,
      OBJECT_ACL,
      TRANSITIONS:
        deployment.bucket.transitions.length === 0 ? undefined : JSON.stringify(deployment.bucket.transitions),
      ARCHIVE_BUCKET: archive.bucket.bucketName,
      KEY_PREFIX: deployment.bucket.keyPrefix,
      SITE_SECRET_PREFIX: deployment.siteSecretPrefix,
      DEFAULT_SITE: deployment.defaultSite,
      DEPLOYMENT: deployment.name,
      REQUIRED_LOCK: requiredLock(deployment),
    }
    for (const [task, its] of Object.entries(needs) as [TaskName, TaskNeeds][]) {
      const wanted = Object.keys(tasks[task].env.shape) as Variables[]
      const talksToSite = wanted.includes('SITE_SECRET_PREFIX')
      const memoryMiB = task === 'CopyParts' ? deployment.transfer.memoryMiB : its.memoryMiB
      const made = new ExportFunction<TaskName>(this, {
        task,
        deployment,
        // The contract's own list of variables makes this record fit its type; the compiler can't see that through a loop.
        environment: Object.fromEntries(wanted.map((name) => [name, variables[name]])) as TaskEnv<TaskName>,
        memoryMiB,
        timeoutSeconds: its.timeoutSeconds,
        nodeOptions: functionNodeOptions(its.movesBytes === true, memoryMiB),
        reservedConcurrency: task === 'CopyParts' ? deployment.transfer.reservedConcurrency : undefined,
        network: talksToSite ? network : undefined,
        registry,
      })
      const sessions: Keys[] = its.logsIn === true ? ['sessions/*'] : []
      for (const keys of [...(its.read ?? []), ...sessions]) archive.grantRead(made.role, keys)
      for (const keys of [...(its.write ?? []), ...sessions]) archive.grantWrite(made.role, keys)
      for (const keys of its.remove ?? []) archive.grantRemove(made.role, keys)
      if (its.uploads?.includes('fill')) archive.grantFillUpload(made.role)
      if (its.uploads?.includes('complete')) archive.grantCompleteUpload(made.role)
      if (its.uploads?.includes('inspect')) archive.grantInspectUpload(made.role)
      if (its.uploads?.includes('abort')) archive.grantAbortUpload(made.role)
      if (its.storeTests === 'test') archive.grantTestStore(made.role)
      if (its.storeTests === 'sweep') archive.grantSweepTests(made.role)
      if (its.verdicts === true) archive.grantWriteVerification(made.role)
      if (its.locks?.includes('see')) archive.grantSeeLocks(made.role)
      if (its.locks?.includes('read-back')) archive.grantSeeRetention(made.role)
      if (its.locks?.includes('set')) archive.grantLock(made.role, mostLockDays(deployment))
      if (its.prune === true) archive.grantPrune(made.role)
      if (its.thaws === true) archive.grantThaw(made.role)
      if (its.unpacked === 'fill') archive.grantUnpack(made.role)
      if (its.unpacked === 'remove') archive.grantRemoveUnpacked(made.role)
      if (its.restores === true) secrets.grantReadRestore(made.role)
      else if (talksToSite) secrets.grantRead(made.role)
      ec2.grant(made.role, its.instances ?? [])
      ec2Restores.grant(made.role, its.disks ?? [])
      if (talksToSite && its.restores !== true) azure.grant(made.role, ['log-in'])
      this.byTask.set(task, made)
    }
  }

  of(task: TaskName): ExportFunction<TaskName> {
    const made = this.byTask.get(task)
    if (made === undefined) throw new Error(`No function was made for the task ${task}`)
    return made
  }
}

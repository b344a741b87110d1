import type { BackupOptions } from '../../functions/contracts/backup-options.ts'
import type { BackupEvidence, ClockOffset } from '../../functions/contracts/evidence.ts'
import {
  GuestLocked,
  type GuestliftError,
  RequestRejected,
  SourceUnreadable,
} from '../../functions/contracts/errors.ts'
import type { Grade } from '../../functions/contracts/grade.ts'
import type {
  ArchivesOnPlatform,
  PlatformArchive,
} from '../../functions/providers/capabilities/archives-on-platform.ts'
import type { GuestLocks, LeftLock } from '../../functions/providers/capabilities/locks.ts'
import type { GuestPower, GuestState } from '../../functions/providers/capabilities/power.ts'
import type { StorageRecord, Storages } from '../../functions/providers/capabilities/storages.ts'
import type { OwnJob, PlatformTasks } from '../../functions/providers/capabilities/tasks.ts'
import type { Guest } from '../../functions/contracts/nouns.ts'
import type { OptionKey } from '../../functions/domain/selection/foreign-options.ts'
import { proxmoxOptionKeys } from '../../functions/providers/proxmox/options.ts'
import { SELECTION_KEYS, type SelectionKey } from '../../functions/contracts/selection.ts'
import type {
  FoundGuest,
  GuestDetails,
  GuestList,
  GuestRecord,
  PlannedBackup,
} from '../../functions/providers/guest-facts.ts'
import type { IntendedWork, MissingPrivilege } from '../../functions/providers/intended-work.ts'
import type {
  Destination,
  JobMark,
  MadeByBackup,
  Provider,
  ReleaseProgress,
  Stray,
} from '../../functions/providers/provider.ts'
import type { JobSummary } from '../../functions/providers/job-summary.ts'
import type { JudgeJob } from '../../functions/domain/backup/verdict.ts'
import { judgeJob } from '../../functions/providers/proxmox/judge-job.ts'
import { proxmoxTraits } from '../../functions/providers/proxmox/traits.ts'
import type { PlatformTraits } from '../../functions/providers/traits.ts'
import { sideFilesOf } from '../../functions/providers/proxmox/side-files.ts'

/** A platform in memory: what it is asked is kept in `calls`, what it answers is set by the test. */
export class FakeProvider implements Provider {
  readonly platform = 'proxmox'
  traits: PlatformTraits = proxmoxTraits
  readonly calls: string[] = []
  guests: FoundGuest[] = []
  jobs: JobSummary[] = []
  missing: MissingPrivilege[] = []
  evidence: BackupEvidence | undefined
  running = false
  progressPercent: number | undefined
  /** Replace to make starting a backup fail, or answer late. */
  onStart: (guest: Guest, token?: string) => Promise<JobSummary> = async (guest, token) => {
    const job = { jobRef: `job-${this.jobs.length + 1}`, startedAt: '2026-11-22T02:00:00.000Z', running: true }
    this.jobs.unshift(job)
    this.guestOf[job.jobRef] = guest.id
    this.marks[job.jobRef] = token === undefined ? {} : { token }
    this.calls.push(`started on ${guest.node}`)
    return job
  }
  /** Whose each job is, as its log shows; of others nothing shows yet. */
  marks: Record<string, JobMark> = {}
  /** Whom a job backs up; those that a test puts there itself are everybody's. */
  readonly guestOf: Record<string, string> = {}
  /** Of each call. */
  readonly since: Date[] = []
  onDelete: () => Promise<void> = async () => undefined

  selectionKeys: readonly SelectionKey[] = SELECTION_KEYS
  optionKeys: readonly OptionKey[] = proxmoxOptionKeys
  privilegeToSee(guestId = 'every guest') {
    return `the right to see ${guestId}`
  }
  clockToleranceSeconds = 900
  /** What its answers tell of its clock. */
  clockOffset: ClockOffset | undefined
  async clock() {
    return this.clockOffset
  }

  async identify() {
    return { version: '9.2.11' }
  }
  /** Which cluster answers. */
  cluster: string | undefined = 'cluster-1'
  async clusterId() {
    return this.cluster
  }
  async missingPrivileges(_work: IntendedWork) {
    return this.missing
  }
  async findGuests(ids: readonly string[]) {
    return this.guests.filter((guest) => ids.includes(guest.id))
  }
  /** Metadata of guests by id, where a test needs more than a name. */
  metadata: Record<string, Partial<GuestRecord>> = {}
  mayLack: string | undefined
  /** What any lock means. */
  lockMeans: new (message: string) => GuestliftError = GuestLocked
  details: Record<string, GuestDetails> = {}
  storageRecords: StorageRecord[] = []
  async listGuests(): Promise<GuestList> {
    return {
      guests: this.guests.map((guest) => ({
        state: guest.nodeOffline ? 'unknown' : 'running',
        template: false,
        tags: [],
        missingPrivileges: [],
        ...guest,
        ...this.metadata[guest.id],
      })),
      ...(this.mayLack === undefined ? {} : { mayLack: this.mayLack }),
      notes: [],
    }
  }
  /** Of a guest whose backup is planned, by its id. */
  bestGrades: Record<string, Grade> = {}
  async describeGuest({ id }: Guest, planned?: PlannedBackup): Promise<GuestDetails> {
    const bestGrade = planned === undefined ? undefined : this.bestGrades[id]
    if (bestGrade !== undefined)
      return { description: '', disks: [], replication: [], notes: [], ...this.details[id], bestGrade }
    return this.details[id] ?? { description: '', disks: [], replication: [], notes: [] }
  }
  async requireOptions(): Promise<void> {}
  /** The options of each backup that was asked for. */
  readonly askedFor: (BackupOptions | undefined)[] = []
  /** Where each of them was to be written. */
  readonly destinations: (Destination | undefined)[] = []
  async start(guest: Guest, options?: BackupOptions, token?: string, destination?: Destination) {
    this.calls.push('startBackup')
    this.askedFor.push(options)
    this.destinations.push(destination)
    return this.onStart(guest, token)
  }
  async findJobs({ id }: Guest, since: Date) {
    this.since.push(since)
    const own = this.jobs.filter(({ jobRef }) => (this.guestOf[jobRef] ?? id) === id)
    return own.filter(({ startedAt }) => Date.parse(startedAt) >= since.getTime() - 300_000)
  }
  async readMark(jobRef: string) {
    return this.marks[jobRef]
  }
  /** Jobs that somebody looked at. */
  readonly checked: string[] = []
  async check(jobRef: string) {
    this.checked.push(jobRef)
    const { running, progressPercent } = this
    return { running, ...(progressPercent === undefined ? {} : { progressPercent }) }
  }
  /** Of which job, guest and storage evidence was asked for. */
  readonly gathered: { jobRef: string; guestId: string; storage: string }[] = []
  async gather(jobRef: string, guest: Guest, storage: string) {
    this.gathered.push({ jobRef, guestId: guest.id, storage })
    if (this.evidence === undefined) throw new Error('the test set no evidence')
    const log = await this.onReadLog()
    return { evidence: this.evidence, sideFiles: sideFilesOf(this.evidence, log.trimEnd().split('\n')) }
  }
  onReadLog: () => Promise<string> = async () => 'INFO: a log\nTASK OK\n'
  async stop(jobRef: string) {
    this.calls.push(`stopBackup ${jobRef}`)
  }
  judgeJob: JudgeJob = judgeJob
  /** What a release answers, in order; then all is released. */
  releases: ReleaseProgress[] = []
  async release({ sources }: MadeByBackup, keepCopy: boolean): Promise<ReleaseProgress> {
    for (const { artifactRef } of sources) this.calls.push(`release ${artifactRef}${keepCopy ? ' but its copy' : ''}`)
    await this.onDelete()
    return this.releases.shift() ?? { released: true }
  }
  strays: Stray[] = []
  async findStrays() {
    return this.strays
  }
  /** Archives on its storages, newest first. */
  archives: PlatformArchive[] = []
  ownJobs: (OwnJob & { startedBy: string })[] = []
  state: GuestState = {
    status: 'running',
    uptimeSeconds: 1,
    highlyAvailable: false,
    template: false,
  }
  /** The lock that stays on a guest after its job was stopped. */
  leftLock: LeftLock | undefined

  readonly storages: Storages = {
    privileges: 'the right to store',
    describe: async (storage, node) => this.storageRecords.find((one) => one.storage === storage && one.node === node),
    forBackups: async (node) => this.storageRecords.filter((one) => one.node === node && one.takesBackups),
    refusalByRetention: async () => undefined,
    folderOf: async () => undefined,
  }
  readonly locks: GuestLocks = {
    refusal: ({ id, lock }) => (lock === undefined ? undefined : new this.lockMeans(`guest ${id} is locked (${lock})`)),
    awaitFreed: async ({ id }) => {
      this.calls.push(`awaitUnlocked ${id}`)
      return this.leftLock
    },
  }
  readonly power: GuestPower = {
    state: async () => this.state,
    order: async (_guest, action) => {
      const status = action === 'start' || action === 'reboot' ? 'running' : 'stopped'
      const changed = action === 'reboot' || this.state.status !== status
      this.state = { ...this.state, status }
      return { changed, state: this.state }
    },
  }
  readonly archivesOnPlatform: ArchivesOnPlatform = {
    list: async () => ({ archives: this.archives, unread: [], hidden: [] }),
    readMarks: async (artifactRef) => {
      const archive = this.archives.find((one) => one.artifactRef === artifactRef)
      return archive === undefined ? undefined : { notes: archive.notes, protected: archive.protected }
    },
    editMarks: async (artifactRef, _node, change) => {
      const archive = this.archives.find((one) => one.artifactRef === artifactRef)
      if (archive === undefined) throw new SourceUnreadable(`no archive ${artifactRef}`)
      Object.assign(archive, change)
      return { notes: archive.notes, protected: archive.protected }
    },
    remove: async (artifactRef) => {
      const index = this.archives.findIndex((one) => one.artifactRef === artifactRef)
      if (index === -1) return 'gone'
      if (this.archives[index]?.protected === true) return 'protected'
      this.archives.splice(index, 1)
      return 'removed'
    },
    previewPrune: async () => ({
      marks: this.archives.map((archive) => ({ ...archive, mark: archive.protected ? 'protected' : 'keep' })),
      unread: [],
    }),
  }
  readonly tasks: PlatformTasks = {
    list: async () => ({ jobs: this.ownJobs, unread: [] }),
    describe: async (jobRef) => {
      const job = this.ownJobs.find((one) => one.jobRef === jobRef)
      if (job === undefined) throw new RequestRejected(`no job ${jobRef}`)
      return job
    },
    log: () => this.onReadLog(),
  }
  async close() {
    this.calls.push('close')
  }
}

import type { BackupEvidence } from '../../functions/contracts/evidence.ts'
import type { Guest } from '../../functions/contracts/nouns.ts'
import type {
  FoundGuest,
  IntendedWork,
  JobSummary,
  MissingPrivilege,
  Provider,
} from '../../functions/providers/provider.ts'

/** A platform in memory: what it is asked is kept in `calls`, what it answers is set by the test. */
export class FakeProvider implements Provider {
  readonly platform = 'proxmox' as const
  readonly calls: string[] = []
  guests: FoundGuest[] = []
  jobs: JobSummary[] = []
  missing: MissingPrivilege[] = []
  evidence: BackupEvidence | undefined
  running = false
  progressPercent: number | undefined
  /** Replace to make starting a backup fail, or answer late. */
  onStart: (guest: Guest) => Promise<JobSummary> = async (guest) => {
    const job = { jobRef: `job-${this.jobs.length + 1}`, startedAt: '2026-11-22T02:00:00.000Z', running: true }
    this.jobs.unshift(job)
    this.calls.push(`started on ${guest.node}`)
    return job
  }
  onDelete: () => Promise<void> = async () => undefined

  async identify() {
    return { version: '9.2.11' }
  }
  async missingPrivileges(_work: IntendedWork) {
    return this.missing
  }
  async findGuests(ids: readonly string[]) {
    return this.guests.filter((guest) => ids.includes(guest.id))
  }
  async startBackup(guest: Guest) {
    this.calls.push('startBackup')
    return this.onStart(guest)
  }
  async findJobs() {
    return this.jobs
  }
  async checkBackup() {
    const { running, progressPercent } = this
    return { running, ...(progressPercent === undefined ? {} : { progressPercent }) }
  }
  async gatherEvidence() {
    if (this.evidence === undefined) throw new Error('the test set no evidence')
    return this.evidence
  }
  onReadLog: () => Promise<string> = async () => 'INFO: a log\nTASK OK\n'
  async readLog() {
    return this.onReadLog()
  }
  async stopBackup(jobRef: string) {
    this.calls.push(`stopBackup ${jobRef}`)
  }
  async deleteArtifact(artifactRef: string) {
    this.calls.push(`deleteArtifact ${artifactRef}`)
    await this.onDelete()
  }
  async close() {
    this.calls.push('close')
  }
}

import { GuestNotFound, type GuestliftError, RestoreStartUnclear } from '../../functions/contracts/errors.ts'
import type { Guest } from '../../functions/contracts/nouns.ts'
import type { ConfigurationComparison, RestoreFinding } from '../../functions/contracts/restore.ts'
import type {
  FoundRestores,
  IntendedRestore,
  MadeGuest,
  MadeRemoval,
  RestoreEnding,
  RestorePlace,
  RestoreProof,
  Restores,
  TargetReport,
} from '../../functions/providers/capabilities/restores.ts'
import type { FoundGuest } from '../../functions/providers/guest-facts.ts'
import type { MissingPrivilege } from '../../functions/providers/intended-work.ts'
import type { JobSummary } from '../../functions/providers/job-summary.ts'

const job = (jobRef: string): JobSummary => ({ jobRef, startedAt: '2026-11-22T03:00:00.000Z', running: true })

/** A platform that brings guests back, in memory: what a test sets is what it says. */
export class FakeRestores implements Restores {
  readonly calls: string[] = []
  /** What each creation was asked with. */
  readonly asked: { intended: IntendedRestore; artifactRef: string; token: string }[] = []
  findings: RestoreFinding[] = []
  present: FoundGuest | undefined
  found: FoundRestores = { ours: [], undecided: [] }
  end: RestoreEnding = { ending: 'ok', exitStatus: 'OK', warnings: [] }
  made: Omit<MadeGuest, 'guest'> | undefined = { configuration: { memory: '512' }, disks: [], storages: ['local-lvm'] }
  comparison: ConfigurationComparison = { expected: [], differences: [] }
  removal: MadeRemoval = { removed: true }
  templateFails: GuestliftError | undefined
  agent: (boolean | undefined)[] = []
  /** What each of its commands ends with. */
  exits: Record<string, number | undefined> = {}
  /** The answer to the next creation is lost: whether the platform took it is for the test to say, by `found`. */
  loseAnswer = false

  get commands(): string[] {
    return Object.keys(this.exits)
  }
  async placeFor(intended: Pick<IntendedRestore, 'archive' | 'deliveryStorage'>, token: string): Promise<RestorePlace> {
    const fileName = `${token}-${intended.archive.fileName}`
    return {
      folder: '/dump',
      fileName,
      artifactRef: `${intended.deliveryStorage}:backup/${fileName}`,
      provesItself: true,
    }
  }
  async checkTarget(): Promise<TargetReport> {
    this.calls.push('checkTarget')
    return { findings: this.findings, ...(this.present === undefined ? {} : { present: this.present }) }
  }
  async missingPrivileges(_intended: IntendedRestore): Promise<MissingPrivilege[]> {
    return []
  }
  async create(intended: IntendedRestore, artifactRef: string, token: string): Promise<JobSummary> {
    this.calls.push('create')
    this.asked.push({ intended, artifactRef, token })
    if (this.loseAnswer) throw new RestoreStartUnclear('the answer was lost')
    return job(`restore-${this.asked.length}`)
  }
  async find(): Promise<FoundRestores> {
    this.calls.push('find')
    return this.found
  }
  async ending(): Promise<RestoreEnding> {
    return this.end
  }
  async describeMade({ id, node, kind }: { id: string; node: string; kind: 'vm' | 'container' }): Promise<MadeGuest> {
    if (this.made === undefined) throw new GuestNotFound(`there is no ${kind} ${id}`)
    return { ...this.made, guest: { id, node, kind, name: 'web' } }
  }
  compare(): ConfigurationComparison {
    return this.comparison
  }
  async makeTemplate(): Promise<void> {
    this.calls.push('makeTemplate')
    if (this.templateFails !== undefined) throw this.templateFails
  }
  async agentAnswers(): Promise<boolean | undefined> {
    return this.agent.length > 1 ? this.agent.shift() : this.agent[0]
  }
  async disconnect(): Promise<void> {
    this.calls.push('disconnect')
  }
  async runCommand(_guest: Guest, command: string): Promise<number | undefined> {
    this.calls.push(`run ${command}`)
    return this.exits[command]
  }
  async removeMade(_guest: Guest, _proof: RestoreProof, how?: { stop: boolean }): Promise<MadeRemoval> {
    this.calls.push(how?.stop === true ? 'stop' : 'removeMade')
    if (how?.stop === true) this.calls.push('removeMade')
    return this.removal
  }
}

/** What a test lets go wrong. Faults of requests are taken in order; each counts down and is gone when it has struck often enough. */
import type { ApiError } from './api-error.ts'

export type HttpFaultAction =
  /** Answer this instead of doing anything. 59x carry no body, others a message unless `message` is ''. */
  | { kind: 'answer'; status: number; reason: string; message?: string }
  /** Do what was asked, then answer this: the work is under way although the answer says otherwise. */
  | { kind: 'answer-after'; status: number; reason: string }
  /** Cut the connection before the request is looked at. */
  | { kind: 'reset-before' }
  /** Do what was asked, then cut the connection without an answer. */
  | { kind: 'reset-after' }
  /** Answer correctly, this much later. */
  | { kind: 'delay'; seconds: number }
  /** Errors without a `message` in the body, as before pve-http-server 5.2. */
  | { kind: 'without-message' }
  /** Change the data of a good answer. */
  | { kind: 'rewrite'; rewrite: (data: unknown) => unknown }

export interface HttpFault {
  method?: string
  /** Matched against the decoded path without `/api2/json`, for example `/nodes/pve1/vzdump`. */
  path?: RegExp
  /** How often it strikes; 1 unless told. */
  times?: number
  action: HttpFaultAction
  /** How it was asked for over the control address, which shows it as long as it waits. */
  asked?: NextAnswer
}

/** What becomes of one request to come. `lost`: done but not answered; `dropped`: neither; `slow`: answered late. */
export interface NextAnswer {
  method: string
  /** End of the path, as `/vzdump`. */
  path: string
  fate: 'lost' | 'dropped' | 'slow'
  seconds?: number | undefined
}

/** What goes wrong in one guest's backup. */
export type BackupFault =
  /** The guest's part fails with this text, before or after its archive is written. */
  | { kind: 'error'; text: string; after?: 'archive' }
  | { kind: 'warning'; text: string }
  /** The worker dies with half of the archive written: no closing line, `.dat` and lock stay. */
  | { kind: 'killed' }
  | { kind: 'no-space' }
  /** A read error at this percentage. */
  | { kind: 'read-error'; percent: number }
  /** The log never says where the archive is. */
  | { kind: 'no-archive-line' }
  /** The archive is finished and named, then its end is cut off. */
  | { kind: 'truncated-archive'; bytes: number }
  /** Someone locked or moved the guest after the task was accepted. */
  | { kind: 'locked'; lock: string }
  | { kind: 'migrated'; to: string }

export type SftpFault =
  /** Cut the connection once it has delivered this many bytes of file data. */
  | { kind: 'cut-after'; bytes: number }
  /** Answer no read beyond this many bytes of file data. */
  | { kind: 'stall-after'; bytes: number }
  /** Files end here for anyone who reads them, whatever their size says. */
  | { kind: 'short-file'; bytes: number }
  /** The disk can't read beyond this many bytes of a file. */
  | { kind: 'disk-error'; bytes: number }
  /** The disk takes nothing beyond this many bytes of a file. */
  | { kind: 'disk-full'; bytes: number }
  /** So many writes of the byte at this place of a file reach the disk with another one there. */
  | { kind: 'wrong-byte'; at: number; writes: number }
  | { kind: 'refuse-auth' }
  | { kind: 'permission-denied' }

export interface SeenRequest {
  at: number
  method: string
  path: string
  query: Record<string, string>
  /** Body parameters, secrets (`password`) left out. */
  parameters: Record<string, string>
  who?: string
  /** Status of the answer; 0 when the connection was cut instead. */
  status: number
}

export class Faults {
  readonly requests: SeenRequest[] = []
  /** For every backup of this guest until cleared. */
  readonly backups = new Map<number, BackupFault[]>()
  sftp: (SftpFault & { times: number })[] = []
  #http: (HttpFault & { left: number })[] = []

  onHttp(fault: HttpFault): void {
    this.#http.push({ ...fault, left: fault.times ?? 1 })
  }

  onBackup(vmid: number, ...faults: BackupFault[]): void {
    this.backups.set(vmid, [...(this.backups.get(vmid) ?? []), ...faults])
  }

  /** Strikes the next request whose path ends so. */
  onNextAnswer(asked: NextAnswer): void {
    const { method, path, fate, seconds = 0 } = asked
    const end = new RegExp(`${path.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`)
    const actions = {
      lost: { kind: 'reset-after' },
      dropped: { kind: 'reset-before' },
      slow: { kind: 'delay', seconds },
    } as const
    this.onHttp({ method, path: end, action: actions[fate], asked })
  }

  /** What was asked for over the control address and hasn't struck yet. */
  nextAnswers(): NextAnswer[] {
    return this.#http.flatMap(({ asked, left }) => (asked === undefined || left < 1 ? [] : [asked]))
  }

  /** `times` counts connections; 1 unless told. */
  onSftp(fault: SftpFault, times = 1): void {
    this.sftp.push({ ...fault, times })
  }

  clear(): void {
    this.#http = []
    this.sftp = []
    this.backups.clear()
  }

  /** The faults that strike this request; each used up by one. */
  takeHttp(method: string, path: string): HttpFaultAction[] {
    const hit = this.#http.filter(
      (fault) => fault.left > 0 && (fault.method ?? method) === method && (fault.path?.test(path) ?? true),
    )
    for (const fault of hit) fault.left -= 1
    return hit.map((fault) => fault.action)
  }

  takeSftp(): SftpFault[] {
    const hit = this.sftp.filter((fault) => fault.times > 0)
    for (const fault of hit) fault.times -= 1
    return hit
  }

  backup<K extends BackupFault['kind']>(vmid: number, kind: K): Extract<BackupFault, { kind: K }> | undefined {
    for (const fault of this.backups.get(vmid) ?? []) {
      if (isKind(fault, kind)) return fault
    }
    return undefined
  }
}

function isKind<K extends BackupFault['kind']>(
  fault: BackupFault,
  kind: K,
): fault is Extract<BackupFault, { kind: K }> {
  return fault.kind === kind
}

/** An answer's body must not say what went wrong: older servers left that to the reason phrase. */
export function withoutMessage(error: ApiError): { data: null; errors?: Record<string, string> } {
  return error.errors === undefined ? { data: null } : { data: null, errors: error.errors }
}

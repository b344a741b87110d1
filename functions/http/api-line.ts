/** A line to the HTTPS API of a platform: what is asked and answered over it, whatever carries it. */

export interface Limits {
  connectTimeoutMs: number
  /** Longest wait for the answer's head. Proxmox's own proxy gives up on a slow backend after 30 s, a 401 takes 3 s. */
  headersTimeoutMs: number
  /** Longest pause inside the answer's body. */
  bodyTimeoutMs: number
  /** Longest whole exchange, so that an answer that drips can't hold a function. */
  totalTimeoutMs: number
  /** Logs of tasks and lists of guests are the largest answers; they reach megabytes. */
  maxBodyBytes: number
}

export const standardLimits: Limits = {
  connectTimeoutMs: 10_000,
  headersTimeoutMs: 45_000,
  bodyTimeoutMs: 30_000,
  totalTimeoutMs: 90_000,
  maxBodyBytes: 64 * 1024 * 1024,
}

export interface HttpRequest {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  path: string
  headers: Record<string, string>
  body?: string
}

export interface HttpAnswer {
  status: number
  reason: string
  body: string
  /** The `Date` header as it came: the clock of what answered. */
  date?: string
  /** `Set-Cookie` headers as they came. */
  cookies?: readonly string[]
  /** All header fields by their names in lower case, of lines whose platform says more in them. */
  fields?: Readonly<Record<string, string | string[] | undefined>>
}

/** There is no whole answer. `sent` is false when provably not a byte of the request left. */
export class Unanswered extends Error {
  readonly sent: boolean

  constructor(sent: boolean, cause: Error) {
    super(cause.message, { cause })
    this.sent = sent
  }
}

/** A line to one endpoint. */
export interface Line {
  request(request: HttpRequest): Promise<HttpAnswer>
  close(): Promise<void>
}

/** A bundle of lines to one endpoint, opened as they are needed: each request takes the one that is least busy. */
export function openLines(width: number, open: () => Line): Line {
  const lines: { line: Line; busy: number }[] = []
  const free = () => {
    const [least] = lines.toSorted((one, other) => one.busy - other.busy)
    if (least !== undefined && (least.busy === 0 || lines.length === width)) return least
    const fresh = { line: open(), busy: 0 }
    lines.push(fresh)
    return fresh
  }
  return {
    async request(request) {
      const taken = free()
      taken.busy += 1
      try {
        return await taken.line.request(request)
      } finally {
        taken.busy -= 1
      }
    },
    close: async () => {
      await Promise.all(lines.map(({ line }) => line.close()))
    },
  }
}

/** What a warm process remembers of a site between function calls, each of which opens a client of its own. */
import { createHash } from 'node:crypto'
import type { ProxmoxSite } from './config.ts'

export interface HeldTicket {
  /** As the header has it. */
  cookie: string
  ticket: string
  csrf: string
  /** Whose it is, as the site writes it. */
  account: string
  /** Milliseconds since 1970. */
  since: number
}

export interface SiteMemory {
  /** Index of the endpoint that answered last. A dead one isn't asked first by every call. */
  preferred: number
  /**
   * Kept only for accounts with a second factor: each login costs them a code, and there are two a minute. Other
   * processes have it from `shared-session.ts`.
   */
  held: HeldTicket | undefined
  /** The period of the last code that was shown. */
  lastCodeStep: number
}

const memories = new Map<string, SiteMemory>()

/** By what is configured, so that a changed password or address starts afresh. */
export function memoryOf({ endpoints, tls, auth }: ProxmoxSite): SiteMemory {
  const key = createHash('sha256')
    .update(JSON.stringify([endpoints, tls, auth]))
    .digest('hex')
  const memory = memories.get(key) ?? { preferred: 0, held: undefined, lastCodeStep: Number.NEGATIVE_INFINITY }
  memories.set(key, memory)
  return memory
}

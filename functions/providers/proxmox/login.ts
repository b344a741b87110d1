/** Who we are, as headers. A ticket lives in this closure only: not on disk, not in state, not in logs. */
import * as z from 'zod'
import { SecondFactorRequired } from '../../contracts/errors.ts'
import type { ProxmoxAuth } from './config.ts'
import { accountOf } from './config.ts'

/**
 * A ticket is good for 2 h (pve-access-control 9.1.1). Half of that leaves room for clocks that differ and for a call
 * that takes long, and is what Proxmox's own client does.
 */
const RENEW_AFTER_MS = 60 * 60 * 1000

/** Answer of POST /access/ticket. `NeedTFA` says that the ticket is only half of a login. */
const ticketSchema = z.object({
  ticket: z.string().min(1),
  CSRFPreventionToken: z.string().min(1).optional(),
  NeedTFA: z.unknown().optional(),
})

/** Posts a form to /access/ticket and gives back the answer's data. */
export type AskForTicket = (form: Readonly<Record<string, string>>) => Promise<unknown>

export interface Login {
  readonly account: string
  /** Headers for a call; logs in first when needed. */
  headers(writing: boolean): Promise<Record<string, string>>
  /** The headers were rejected: forget the ticket. False when a new login can't help (tokens). */
  renew(): boolean
  /** Everything that must never be seen outside. */
  secrets(): string[]
}

/**
 * @throws SecondFactorRequired from `headers`, when the account has one
 */
export function openLogin(auth: ProxmoxAuth, site: string, now: () => Date, ask: AskForTicket): Login {
  const account = accountOf(auth)
  if ('tokenId' in auth) {
    const authorization = `PVEAPIToken=${auth.tokenId}=${auth.secret}`
    return {
      account,
      headers: () => Promise.resolve({ authorization }),
      renew: () => false,
      secrets: () => [auth.secret],
    }
  }

  let held: { ticket: string; csrf: string; since: number } | undefined
  let pending: Promise<void> | undefined
  const { password } = auth
  const used = new Set([password])

  async function logIn(): Promise<void> {
    const since = now().getTime()
    const answer = ticketSchema.safeParse(await ask({ username: account, password }))
    if (!answer.success) throw new UnusableTicket()
    const { ticket, CSRFPreventionToken: csrf = '', NeedTFA } = answer.data
    // A half login's ticket reads `PVE:!tfa!…`; older versions don't send NeedTFA beside it.
    if ((NeedTFA !== undefined && NeedTFA !== 0 && NeedTFA !== '0') || ticket.startsWith('PVE:!tfa!')) {
      throw new SecondFactorRequired(
        `Site ${site}: ${account} logs in with a second factor, which an unattended run can't give. Use an API token: ` +
          'Datacenter → Permissions → API Tokens, then auth {"tokenId": "user@realm!name", "secret": "…"}.',
      )
    }
    used.add(ticket)
    if (csrf !== '') used.add(csrf)
    held = { ticket, csrf, since }
  }

  return {
    account,
    async headers(writing) {
      if (held === undefined || now().getTime() - held.since >= RENEW_AFTER_MS) {
        // Parallel calls share one login.
        pending ??= logIn().finally(() => {
          pending = undefined
        })
        await pending
      }
      if (held === undefined) throw new UnusableTicket()
      const cookie = `PVEAuthCookie=${encodeURIComponent(held.ticket)}`
      return writing ? { cookie, CSRFPreventionToken: held.csrf } : { cookie }
    },
    renew() {
      held = undefined
      return true
    },
    secrets: () => [...used],
  }
}

/** The answer to the login wasn't a ticket. */
export class UnusableTicket extends Error {}

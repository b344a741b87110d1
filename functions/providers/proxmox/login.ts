/** Who we are, as headers. A ticket lives in memory only: not on disk, not in state, not in logs. */
import * as z from 'zod'
import { CredentialsRejected, SecondFactorRequired } from '../../contracts/errors.ts'
import type { ProviderDeps } from '../provider-deps.ts'
import type { ProxmoxAuth } from './config.ts'
import { accountOf } from './config.ts'
import type { HeldTicket, SiteMemory } from './site-memory.ts'
import { factorsOf, MOST_CODES, openSecondFactor } from './second-factor.ts'

/**
 * A ticket is good for 2 h (pve-access-control 9.1.1). Half of that leaves room for clocks that differ and for a call
 * that takes long, and is what Proxmox's own client does.
 */
const RENEW_AFTER_MS = 60 * 60 * 1000

/** Answer of POST /access/ticket. `NeedTFA` says that the ticket is only half of a login. */
const ticketSchema = z.object({
  ticket: z.string().min(1),
  CSRFPreventionToken: z.string().min(1).optional(),
  /** Who was let in: where a realm takes no notice of case, not always as it was typed. */
  username: z.string().min(1).optional(),
  NeedTFA: z.unknown().optional(),
})
type Ticket = z.infer<typeof ticketSchema>

/** Posts a form to /access/ticket and gives back the answer's data. */
export type AskForTicket = (form: Readonly<Record<string, string>>) => Promise<unknown>

export interface Login {
  /** As the site writes it once a ticket was given, which is how it names the owner of a job; as configured before. */
  readonly account: string
  /** Headers for a call; logs in first when needed. */
  headers(writing: boolean): Promise<Record<string, string>>
  /** These headers were rejected: forget the ticket in them. False when a new login can't help (tokens). */
  renew(rejected: Readonly<Record<string, string>>): boolean
  /** Everything that must never be seen outside. */
  secrets(): string[]
}

/**
 * @throws SecondFactorRequired from `headers`, when the account has a second factor that the site's secret doesn't answer
 */
export function openLogin(
  auth: ProxmoxAuth,
  site: string,
  deps: Pick<ProviderDeps, 'now' | 'sleep' | 'log'>,
  memory: Pick<SiteMemory, 'held' | 'lastCodeStep'>,
  ask: AskForTicket,
): Login {
  const configured = accountOf(auth)
  if ('tokenId' in auth) {
    // A token is found by exactly this text, also in realms that take no notice of case.
    const account = configured
    const authorization = `PVEAPIToken=${auth.tokenId}=${auth.secret}`
    return {
      account,
      headers: () => Promise.resolve({ authorization }),
      renew: () => false,
      secrets: () => [auth.secret],
    }
  }

  let account = configured
  let pending: Promise<void> | undefined
  const { password, totpSecret } = auth
  const used = new Set([password, ...(totpSecret === undefined ? [] : [totpSecret])])
  const secondFactor = totpSecret === undefined ? undefined : openSecondFactor(totpSecret, deps.now, deps.sleep, memory)
  let held: HeldTicket | undefined = secondFactor === undefined ? undefined : memory.held
  if (held !== undefined) {
    account = held.account
    for (const secret of [held.ticket, held.csrf]) used.add(secret)
  }

  async function ticketFor(form: Readonly<Record<string, string>>): Promise<Ticket> {
    const answer = ticketSchema.safeParse(await ask({ username: configured, ...form }))
    if (!answer.success) throw new UnusableTicket()
    used.add(answer.data.ticket)
    return answer.data
  }

  async function logIn(): Promise<void> {
    const since = deps.now().getTime()
    const { ticket, CSRFPreventionToken: csrf = '', username } = (await renewed()) ?? (await fullLogin())
    account = username ?? configured
    if (csrf !== '') used.add(csrf)
    held = { cookie: `PVEAuthCookie=${encodeURIComponent(ticket)}`, ticket, csrf, account, since }
    if (secondFactor !== undefined) memory.held = held
  }

  /** A ticket that is still good buys the next one, which spares accounts with a second factor a code. */
  async function renewed(): Promise<Ticket | undefined> {
    if (held === undefined || secondFactor === undefined) return undefined
    const { ticket } = held
    held = undefined
    try {
      const next = await ticketFor({ password: ticket })
      return isHalf(next) ? undefined : next
    } catch (error) {
      if (error instanceof CredentialsRejected) return undefined
      throw error
    }
  }

  async function fullLogin(): Promise<Ticket> {
    for (let tries = 1; ; tries += 1) {
      const first = await ticketFor({ password })
      if (!isHalf(first)) return first
      const code = await codeFor(first)
      used.add(code)
      try {
        const whole = await ticketFor({ password: code, 'tfa-challenge': first.ticket })
        if (!isHalf(whole)) return whole
        throw new UnusableTicket()
      } catch (error) {
        if (!(error instanceof CredentialsRejected)) throw error
        if (tries === MOST_CODES) throw codeRejected(error)
        // A code that another login has used is refused just like a wrong one: the next period's tells.
        deps.log('platform-second-factor-repeated', { site, account, tries })
      }
    }
  }

  async function codeFor({ ticket }: Ticket): Promise<string> {
    const factors = factorsOf(ticket)
    const useToken =
      'An API token needs no second factor: Datacenter → Permissions → API Tokens, then auth {"tokenId": "user@realm!name", "secret": "…"}.'
    if (secondFactor === undefined) {
      throw new SecondFactorRequired(
        `Site ${site}: ${account} logs in with a second factor, and the site's auth holds no "totpSecret". ${useToken}`,
      )
    }
    if (factors.length > 0 && !factors.includes('totp')) {
      throw new SecondFactorRequired(
        `Site ${site}: ${account} logs in with a second factor of another kind (${factors.join(', ')}) than the site's totpSecret. ${useToken}`,
      )
    }
    return secondFactor.answer()
  }

  function codeRejected(cause: CredentialsRejected): CredentialsRejected {
    return new CredentialsRejected(
      `Site ${site}: ${account}'s password was accepted and ${MOST_CODES} codes of its second factor were not. Check totpSecret and this machine's clock (${deps.now().toISOString()}).`,
      { cause },
    )
  }

  return {
    get account() {
      return account
    },
    async headers(writing) {
      if (held === undefined || deps.now().getTime() - held.since >= RENEW_AFTER_MS) {
        // Parallel calls share one login.
        pending ??= logIn().finally(() => {
          pending = undefined
        })
        await pending
      }
      if (held === undefined) throw new UnusableTicket()
      const { cookie, csrf } = held
      return writing ? { cookie, CSRFPreventionToken: csrf } : { cookie }
    },
    renew(rejected) {
      // Calls that were under way together are rejected together: only the first forgets the ticket.
      if (held?.cookie === rejected['cookie']) held = undefined
      if (memory.held?.cookie === rejected['cookie']) memory.held = undefined
      return true
    },
    secrets: () => [...used],
  }
}

/** A half login's ticket reads `PVE:!tfa!…`; not every version sends `NeedTFA` beside it. */
function isHalf({ ticket, NeedTFA }: Ticket): boolean {
  return (NeedTFA != null && NeedTFA !== 0 && NeedTFA !== '0') || ticket.startsWith('PVE:!tfa!')
}

/** The answer to the login wasn't a ticket. */
export class UnusableTicket extends Error {}

/** Who we are, as headers. A ticket lives in memory and, where a code was needed for it, sealed in the archive bucket: never in state or logs. */
import * as z from 'zod'
import { CredentialsRejected, GuestliftError, SecondFactorRequired } from '../../contracts/errors.ts'
import type { ProviderDeps } from '../provider-deps.ts'
import { accountOf, type ProxmoxSite } from './config.ts'
import { CodesResting, factorsOf, MOST_CODES, openSecondFactor } from './second-factor.ts'
import { sealFor } from './session-seal.ts'
import { cookieOf, openSharedSession, type SharedSession } from './shared-session.ts'
import type { HeldTicket, SiteMemory } from './site-memory.ts'

/**
 * A ticket is good for 2 h (pve-access-control 9.1.1). Half of that leaves room for clocks that differ and for a call
 * that takes long, and is what Proxmox's own client does.
 */
const RENEW_AFTER_MS = 60 * 60 * 1000

const USE_A_TOKEN =
  'An API token needs no second factor: Datacenter → Permissions → API Tokens, then auth {"tokenId": "user@realm!name", "secret": "…"}.'

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
  where: Pick<ProxmoxSite, 'auth' | 'endpoints'>,
  site: string,
  deps: Pick<ProviderDeps, 'now' | 'sleep' | 'log' | 'session'>,
  memory: Pick<SiteMemory, 'held' | 'lastCodeStep'>,
  ask: AskForTicket,
): Login {
  const { auth } = where
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
  /** Tickets that the platform takes no more, by their cookies. */
  const refused = new Set<string>()
  const isRefused = ({ cookie }: Pick<HeldTicket, 'cookie'>): boolean => refused.has(cookie)
  const { password, totpSecret } = auth
  const used = new Set([password, ...(totpSecret === undefined ? [] : [totpSecret])])
  const shared = sharedSession(site, where, deps)
  const secondFactor =
    totpSecret === undefined ? undefined : openSecondFactor(totpSecret, deps.now, deps.sleep, memory, shared)
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
    const kept = await sharedTicket()
    if (kept !== undefined && isYoung(kept)) return hold(kept)
    const since = deps.now().getTime()
    const given = (await renewed(kept ?? held)) ?? (await fullLogin())
    if ('held' in given) return hold(given.held)
    const { ticket, CSRFPreventionToken: csrf = '', username = configured } = given
    hold({ cookie: cookieOf(ticket), ticket, csrf, account: username, since })
    await share()
  }

  function hold(next: HeldTicket): void {
    for (const secret of [next.ticket, next.csrf]) if (secret !== '') used.add(secret)
    account = next.account
    held = next
    if (secondFactor !== undefined) memory.held = held
  }

  const isYoung = ({ since }: HeldTicket): boolean => deps.now().getTime() - since < RENEW_AFTER_MS

  /** What another call of this site logged in with, unless the platform has refused just that. */
  async function sharedTicket(): Promise<HeldTicket | undefined> {
    const found = (await shared?.look(Number.POSITIVE_INFINITY))?.held
    return found === undefined || isRefused(found) ? undefined : found
  }

  /** The login is done: that the others can't have it costs them a code, and this call nothing. */
  async function share(): Promise<void> {
    if (shared === undefined || held === undefined) return
    try {
      await shared.keep(held)
    } catch (error) {
      if (!(error instanceof GuestliftError)) throw error
      deps.log('platform-session-unshared', { site, account, reason: error.message })
    }
  }

  /** A ticket that is still good buys the next one, which spares accounts with a second factor a code. */
  async function renewed(old: HeldTicket | undefined): Promise<Ticket | undefined> {
    if (old === undefined || secondFactor === undefined) return undefined
    held = undefined
    try {
      const next = await ticketFor({ password: old.ticket })
      if (!isHalf(next)) return next
    } catch (error) {
      if (!(error instanceof CredentialsRejected)) throw error
    }
    refused.add(old.cookie)
    return undefined
  }

  async function fullLogin(): Promise<Ticket | { held: HeldTicket }> {
    for (let tries = 1; ; tries += 1) {
      const first = await ticketFor({ password })
      if (!isHalf(first)) return first
      const answer = await codeFor(first)
      if ('held' in answer) return answer
      used.add(answer.code)
      try {
        const whole = await ticketFor({ password: answer.code, 'tfa-challenge': first.ticket })
        if (!isHalf(whole)) return whole
        throw new UnusableTicket()
      } catch (error) {
        if (!(error instanceof CredentialsRejected)) throw error
        await shared?.noteRefusal()
        if (tries === MOST_CODES) throw codeRejected(first, error)
        // A code that another login has used is refused just like a wrong one: the next period's tells.
        deps.log('platform-second-factor-repeated', { site, account, tries })
      }
    }
  }

  async function codeFor({ ticket }: Ticket): Promise<{ code: string } | { held: HeldTicket }> {
    const factors = factorsOf(ticket)
    if (secondFactor === undefined) {
      throw new SecondFactorRequired(
        `Site ${site}: ${account} logs in with a second factor, and the site's auth holds no "totpSecret". ${USE_A_TOKEN}`,
      )
    }
    if (factors.length > 0 && !factors.includes('totp')) {
      throw new SecondFactorRequired(
        `Site ${site}: ${account} logs in with a second factor of another kind (${factors.join(', ')}) than the site's totpSecret. ${USE_A_TOKEN}`,
      )
    }
    try {
      return await secondFactor.answer(isRefused)
    } catch (error) {
      if (!(error instanceof CodesResting)) throw error
      throw codeRejected({ ticket }, error, `No other is tried before ${error.until.toISOString()}.`)
    }
  }

  function codeRejected({ ticket }: Pick<Ticket, 'ticket'>, cause: Error, then = ''): CredentialsRejected {
    const clocks = `this machine's says ${deps.now().toISOString()}${siteClock(ticket)}`
    const parts = [
      `Site ${site}: ${account}'s password was accepted and ${MOST_CODES} codes of its second factor were not.`,
      `Check totpSecret and both clocks: ${clocks}.`,
      'The site takes each code once, so another login of this user at the same time uses codes up.',
      USE_A_TOKEN,
      then,
    ]
    return new CredentialsRejected(parts.filter((part) => part !== '').join(' '), { cause })
  }

  return {
    get account() {
      return account
    },
    async headers(writing) {
      if (held === undefined || !isYoung(held)) {
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
      const { cookie } = rejected
      if (cookie !== undefined) refused.add(cookie)
      if (held?.cookie === cookie) held = undefined
      if (memory.held?.cookie === cookie) memory.held = undefined
      return true
    },
    secrets: () => [...used],
  }
}

function sharedSession(
  siteName: string,
  site: Pick<ProxmoxSite, 'auth' | 'endpoints'>,
  { session, now }: Pick<ProviderDeps, 'session' | 'now'>,
): SharedSession | undefined {
  const seal = session === undefined ? undefined : sealFor(siteName, site)
  return session === undefined || seal === undefined ? undefined : openSharedSession(session, seal, now)
}

/** A ticket holds when it was made: the site's clock, which has to agree with ours for a code to count. */
function siteClock(ticket: string): string {
  const seconds = /^PVE:\S+:([0-9A-F]{8})::/.exec(ticket)?.[1]
  return seconds === undefined ? '' : `, the site's ${new Date(Number.parseInt(seconds, 16) * 1000).toISOString()}`
}

/** A half login's ticket reads `PVE:!tfa!…`; not every version sends `NeedTFA` beside it. */
function isHalf({ ticket, NeedTFA }: Ticket): boolean {
  return (NeedTFA != null && NeedTFA !== 0 && NeedTFA !== '0') || ticket.startsWith('PVE:!tfa!')
}

/** The answer to the login wasn't a ticket. */
export class UnusableTicket extends Error {}

/** Answers the second half of a login with codes of the site's secret, each at most once. */
import * as z from 'zod'
import { parseJson } from './answers.ts'
import type { SharedSession } from './shared-session.ts'
import type { HeldTicket, SiteMemory } from './site-memory.ts'
import { parseTotpSecret, totpCode, totpStep } from './totp.ts'

/** How often a login is tried with a new code. Others that log in as the same user at this moment use codes up as well. */
export const MOST_CODES = 3

/** How often a call that waits for another's login looks whether it is there. */
const LOOK_EVERY_MS = 2_000

export interface SecondFactor {
  /**
   * The next unused code, as the form's `password`; waits for the next period when this one's is used up. Or the ticket
   * that another call got meanwhile, unless the platform has refused just that.
   * @throws CodesResting
   */
  answer(isRefused?: (held: HeldTicket) => boolean): Promise<{ code: string } | { held: HeldTicket }>
}

/** So many codes were refused a moment ago that another would risk the account. */
export class CodesResting extends Error {
  readonly until: Date
  constructor(until: Date) {
    super(`no code before ${until.toISOString()}`)
    this.until = until
  }
}

/** `undefined` for a text that is no secret; the site's schema has refused it before. */
export function openSecondFactor(
  secret: string,
  now: () => Date,
  sleep: (milliseconds: number) => Promise<void>,
  memory: Pick<SiteMemory, 'lastCodeStep'>,
  shared?: SharedSession,
): SecondFactor | undefined {
  const totp = parseTotpSecret(secret)
  if (totp === undefined) return undefined
  return {
    async answer(isRefused = () => false) {
      for (let step = totpStep(totp, now()); ; step = totpStep(totp, now())) {
        const look = await shared?.look(step)
        if (look?.held !== undefined && !isRefused(look.held)) return { held: look.held }
        if (look?.restsUntil !== undefined && look.refusals >= MOST_CODES) throw new CodesResting(look.restsUntil)
        const last = Math.max(memory.lastCodeStep, look?.codeStep ?? Number.NEGATIVE_INFINITY)
        if (step > last) {
          if (shared === undefined || (await shared.claim(step))) {
            memory.lastCodeStep = step
            return { code: `totp:${totpCode(totp, step)}` }
          }
          // Somebody else was faster with this period's code, and has the ticket in a moment.
          await sleep(LOOK_EVERY_MS)
          continue
        }
        // Also when the clock was set back: the code of a period that is over must not be shown again.
        const untilNext = (last + 1) * totp.periodSeconds * 1000 - now().getTime()
        await sleep(shared === undefined ? untilNext : Math.min(untilNext, LOOK_EVERY_MS))
      }
    },
  }
}

const challengeSchema = z.object({
  totp: z.unknown().optional(),
  recovery: z.unknown().optional(),
  webauthn: z.unknown().optional(),
  u2f: z.unknown().optional(),
  yubico: z.unknown().optional(),
})

/**
 * Kinds of second factor that a half login's ticket asks for: `PVE:!tfa!<JSON, percent-encoded>:<time>::<signature>`.
 * Empty where the ticket doesn't tell.
 */
export function factorsOf(ticket: string): string[] {
  const state = /^PVE:!tfa!([^:]*):/.exec(ticket)?.[1]
  if (state === undefined) return []
  const challenge = challengeSchema.safeParse(parseJson(decode(state)))
  if (!challenge.success) return []
  return Object.entries(challenge.data).flatMap(([kind, value]) => (value == null || value === false ? [] : [kind]))
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

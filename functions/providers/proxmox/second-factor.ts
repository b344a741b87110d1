/** Answers the second half of a login with codes of the site's secret, each at most once. */
import * as z from 'zod'
import { parseJson } from './answers.ts'
import type { SiteMemory } from './site-memory.ts'
import { parseTotpSecret, totpCode, totpStep } from './totp.ts'

/** How often a login is tried with a new code. Others that log in as the same user at this moment use codes up as well. */
export const MOST_CODES = 3

export interface SecondFactor {
  /** The next unused code, as the form's `password`; waits for the next period when this one's is used up. */
  answer(): Promise<string>
}

/** `undefined` for a text that is no secret; the site's schema has refused it before. */
export function openSecondFactor(
  secret: string,
  now: () => Date,
  sleep: (milliseconds: number) => Promise<void>,
  memory: Pick<SiteMemory, 'lastCodeStep'>,
): SecondFactor | undefined {
  const totp = parseTotpSecret(secret)
  if (totp === undefined) return undefined
  return {
    async answer() {
      for (let step = totpStep(totp, now()); ; step = totpStep(totp, now())) {
        if (step > memory.lastCodeStep) {
          memory.lastCodeStep = step
          return `totp:${totpCode(totp, step)}`
        }
        // Also when the clock was set back: the code of a period that is over must not be shown again.
        await sleep((memory.lastCodeStep + 1) * totp.periodSeconds * 1000 - now().getTime())
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

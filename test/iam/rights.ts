/** Holds what was played against the rights that the roles have. */
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { judgementText, type Judgement } from '../../local/iam/guard.ts'
import type { Role } from '../../local/iam/session.ts'
import { unusedRights, type Right } from '../../local/iam/usage.ts'
import { like } from '../../local/iam/wildcard.ts'

/** Why a right is there although nothing played used it. `*` stands for any text. */
const reasonSchema = z.strictObject({
  role: z.string().min(1),
  action: z.string().min(1),
  resource: z.string().min(1),
  reason: z.string().min(1),
  /** Whether it is used depends on how fast things go; the reason is never stale. */
  sometimes: z.literal(true).optional(),
})
type Reason = z.output<typeof reasonSchema>

export interface Findings {
  /** Requests that were judged. */
  calls: number
  /** As `role action resource`, each once. */
  refused: string[]
  unused: (Right & { reason?: string })[]
  /** Reasons that no unused right has any more. */
  stale: Reason[]
}

export function readReasons(): Reason[] {
  return z.array(reasonSchema).parse(JSON.parse(readFileSync(new URL('unused.json', import.meta.url), 'utf8')))
}

export function findRights(
  roles: readonly Role[],
  judgements: readonly Judgement[],
  reasons: readonly Reason[],
): Findings {
  const unused = unusedRights(roles, judgements, withoutSite)
  const explains = (reason: Reason, right: Right): boolean =>
    like(reason.role, right.role) && like(reason.action, right.action) && like(reason.resource, right.resource)
  return {
    calls: judgements.length,
    refused: [...new Set(judgements.filter(({ allowed }) => !allowed).map(judgementText))],
    unused: unused.map((right) => {
      const reason = reasons.find((each) => explains(each, right))?.reason
      return { ...right, ...(reason === undefined ? {} : { reason }) }
    }),
    stale: reasons.filter(
      ({ sometimes, ...reason }) => sometimes !== true && !unused.some((right) => explains(reason, right)),
    ),
  }
}

/** What is granted for one site's secret is granted for each. */
function withoutSite(resource: string): string {
  return resource.replace(/(:secret:guestlift\/site\/)[^-]+/, '$1<site>')
}

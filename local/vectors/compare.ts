/** Decisions of Proxmox's own code, as recorded, against our planner's. */
import * as z from 'zod'
import { planRetention } from '../../functions/domain/retention/retention.ts'

const count = z.coerce.number()
const markSchema = z.enum(['keep', 'remove', 'protected'])

/** The recording's shape. `ctime` in seconds since 1970; Perl writes numbers and flags as it likes. */
export const vectorsSchema = z.array(
  z.object({
    name: z.string(),
    tz: z.string().default('UTC'),
    keep: z.record(z.string(), z.union([z.boolean(), count])),
    backups: z.array(
      z.object({
        ctime: count,
        protected: z.union([z.boolean(), count]).default(false),
        mark: markSchema,
      }),
    ),
  }),
)
export type Vector = z.infer<typeof vectorsSchema>[number]

/** A case that was decided otherwise: each archive with both marks, and why ours. */
export interface Disagreement {
  /** Position in the file, from 0. */
  index: number
  name: string
  tz: string
  keep: Vector['keep']
  differences?: { ctime: number; recorded: string; planned: string; reason: string }[]
  /** The case couldn't be planned at all. */
  error?: string
}

const ruleNames = ['keep-last', 'keep-hourly', 'keep-daily', 'keep-weekly', 'keep-monthly', 'keep-yearly']

function rulesOf(keep: Vector['keep']): Record<string, boolean | number> {
  for (const name of Object.keys(keep)) {
    if (name !== 'keep-all' && !ruleNames.includes(name)) throw new Error(`there is no rule ${name}`)
  }
  const counts = ruleNames.map((name) => [name, Number(keep[name] ?? 0)] as const)
  return { ...Object.fromEntries(counts), 'keep-all': Number(keep['keep-all'] ?? 0) > 0 }
}

/** What is decided otherwise in one case; `undefined` when all marks agree. */
export function compareVector(vector: Vector, index: number): Disagreement | undefined {
  const { name, tz, keep, backups } = vector
  const archives = backups.map((backup) => ({
    ...backup,
    createdAt: new Date(backup.ctime * 1000).toISOString(),
    protected: Boolean(backup.protected),
  }))
  try {
    const differences = planRetention(archives, rulesOf(keep), tz)
      .filter(({ archive, mark }) => archive.mark !== mark)
      .map(({ archive, mark, reason }) => ({ ctime: archive.ctime, recorded: archive.mark, planned: mark, reason }))
    return differences.length === 0 ? undefined : { index, name, tz, keep, differences }
  } catch (error) {
    return { index, name, tz, keep, error: error instanceof Error ? error.message : String(error) }
  }
}

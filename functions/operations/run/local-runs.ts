import type { LocalProcess } from '../../contracts/process-identity.ts'
import { claimsPrefix } from '../../domain/books/object-keys.ts'
import { claimShape } from '../books/shapes.ts'
import { readRecord, unlessUnreadable } from '../books/stored-json.ts'
import type { Ports } from '../ports.ts'

/** A run on one machine that holds guests of a site. */
export interface LocalRun {
  runId: string
  /** When it began. */
  startedAt: string
  /** Executions by which it holds guests. */
  executions: string[]
}

/** Claims that are read at the same time. */
const READ_AHEAD = 32

/**
 * Runs on one machine whose process is gone and that still hold guests of the site, in the order of their ids. A claim
 * that nobody can read is nobody's here.
 * @param isGone whether a process is surely dead; where anything is unclear it isn't
 */
export async function deadLocalRuns(
  site: string,
  isGone: (process: LocalProcess) => boolean,
  { store, keyPrefix }: Pick<Ports, 'store' | 'keyPrefix'>,
): Promise<LocalRun[]> {
  const keys = await store.listKeys(claimsPrefix(keyPrefix, site))
  const runs = new Map<string, LocalRun>()
  for (let start = 0; start < keys.length; start += READ_AHEAD) {
    const batch = keys.slice(start, start + READ_AHEAD)
    const claims = await Promise.all(batch.map((key) => unlessUnreadable(readRecord(store, key, claimShape))))
    for (const claim of claims) {
      if (claim === undefined || claim === 'unreadable' || claim.released || claim.local === undefined) continue
      if (!isGone(claim.local.process)) continue
      const { runId, execution, local } = claim
      const run = runs.get(runId) ?? { runId, startedAt: local.runStartedAt, executions: [] }
      runs.set(runId, { ...run, executions: [...run.executions, execution] })
    }
  }
  return [...runs.values()].toSorted((a, b) => (a.runId < b.runId ? -1 : 1))
}

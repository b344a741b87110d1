import { GuestliftError } from '../../contracts/errors.ts'
import type { GuestProgress, ProgressFigures, ProgressStage } from '../../contracts/progress.ts'
import type { Run } from '../../contracts/nouns.ts'
import type { PlanItem } from '../../contracts/plan-item.ts'
import { progressKey } from '../../domain/books/object-keys.ts'
import { figuresOf, isDue, type Seen } from '../../domain/backup/progress.ts'
import { progressShape } from './shapes.ts'
import { readRecord, unlessUnreadable, writeRecord } from './stored-json.ts'
import type { Ports } from '../ports.ts'

type Needs = Pick<Ports, 'store' | 'now' | 'log'>

interface Stage {
  stage: ProgressStage
  /** When the stage began; left out: at the first look at it. */
  startedAt?: string
  reason?: string
}

/**
 * Tell how far a guest is: works out rate and time left against the last look, and keeps the look in the run's folder
 * about once a minute. A nicety: a store that fails here fails nothing.
 */
export async function noteProgress(
  { run, site, guest }: PlanItem,
  { stage, startedAt, reason }: Stage,
  seen: Seen,
  { store, now, log }: Needs,
): Promise<ProgressFigures> {
  const key = progressKey(run.prefix, guest.id)
  try {
    const before = await readRecord(store, key, progressShape)
    const began = startedAt ?? (before?.stage === stage ? before.stageStartedAt : now().toISOString())
    const figures = figuresOf(seen, stage, began, before, now())
    if (isDue(before, stage, began, now())) {
      const progress: GuestProgress = {
        version: 1,
        runId: run.id,
        site,
        guest,
        stage,
        stageStartedAt: began,
        updatedAt: now().toISOString(),
        ...figures,
        ...(reason === undefined ? {} : { reason }),
      }
      await writeRecord(store, key, progressShape, progress)
    }
    return figures
  } catch (error) {
    if (!(error instanceof GuestliftError)) throw error
    log('progress-not-kept', { site, guest: guest.id, reason: error.message })
    return figuresOf(seen, stage, startedAt ?? now().toISOString(), undefined, now())
  }
}

const doing = { waiting: 'waiting for its turn', dumping: 'being dumped', copying: 'being copied' } as const

/**
 * How far a guest was when it was last looked at, for the report of its failure: a sentence, or none. `dumped`: its
 * archive was found.
 */
export async function lastSeen(
  run: Run,
  guestId: string,
  { store }: Pick<Ports, 'store'>,
  dumped = false,
): Promise<string | undefined> {
  const seen = await unlessUnreadable(readRecord(store, progressKey(run.prefix, guestId), progressShape))
  if (seen === undefined || seen === 'unreadable') return undefined
  // The last look at the dump is older than its end.
  if (dumped && seen.stage !== 'copying') return 'Its backup was complete, and nothing of it was copied yet.'
  const share =
    seen.percent === undefined ? '' : `${seen.estimated ? ' about' : ''} ${Math.floor(seen.percent)} % done,`
  return `It was last seen ${doing[seen.stage]},${share} at ${seen.updatedAt}.`
}

import type { ArchiveStore } from '../../aws/archive-store.ts'
import { ArchiveConflict, StoreUnsuitable } from '../../contracts/errors.ts'
import type { StoreFacts, StoreStep } from '../../domain/doctor/store-steps.ts'
import type { Ports } from '../ports.ts'
import { type Asking, type MadeTwice, makeTwice, type TestedSum } from './store-uploads.ts'
import { refusesHeader, together } from './store-answers.ts'
import { type Keeping, texts } from './store-trial.ts'

const AS_AMAZON = 'Use a store that does as Amazon S3 does, or a newer version of this one.'

/**
 * Ask a store for each step in turn, with one object of a few bytes, and find by what it can prove archives. A store that
 * isn't AWS may prove less, and where one machine uses it alone, it may keep no conditions.
 * @throws StoreUnsuitable and the store's own errors; `trial.failed` says at which step
 */
export async function tryStore(
  key: string,
  sum: TestedSum,
  keeping: Keeping,
  ports: Pick<Ports, 'store'>,
): Promise<StoreFacts> {
  const { left, trial } = keeping
  const { oneMachine } = ports.store
  // Conditions that this machine looks at itself say nothing about the store.
  const store = oneMachine?.raw ?? ports.store
  const unsuitable = (step: StoreStep, what: string, besides = '') => {
    trial.failed ??= step
    return new StoreUnsuitable(
      `The store of s3://${store.bucket} ${what}. Guestlift can't do without it, so nothing was begun. ${AS_AMAZON}${besides}`,
    )
  }
  const of = <Result>(step: StoreStep, work: Promise<Result>): Promise<Result> =>
    work.catch((error: unknown) => {
      trial.failed ??= step
      throw error
    })
  const asking: Asking = { store, keeping, of, unsuitable }

  const made = await makeTwice(key, sum, asking)
  trial.done.add('checksum')
  if (!(await of('lists', store.listKeys(made.key))).includes(made.key)) {
    throw unsuitable('lists', 'does not list an object that is there')
  }
  trial.done.add('lists')

  const tried = await of('conditions', tryConditions(made, store, oneMachine !== undefined))
  if ('broken' in tried && oneMachine === undefined) {
    throw unsuitable(
      'conditions',
      tried.broken,
      ' One machine alone can use such a store: guestlift run --local with --s3.',
    )
  }
  trial.done.add('conditions')
  const etag = 'etag' in tried ? tried.etag : await of('reading', store.writeText(made.key, texts.second))
  const last = texts.second.length - 1
  const read = await of('reading', store.readRange(made.key, { firstByte: 1, lastByte: last, etag: etag ?? '' }))
  if (read.toString() !== texts.second.slice(1)) {
    throw unsuitable('reading', 'gives other bytes of an object than were written')
  }
  trial.done.add('reading')

  await of('removal', together([store.remove(made.key), store.abortUpload(made.key, made.rival)]))
  left.uploads = left.uploads.filter(({ uploadId }) => uploadId !== made.rival)
  if ((await of('removal', store.head(made.key))) !== undefined) {
    throw unsuitable('removal', 'still shows an object that was removed')
  }
  left.keys.delete(made.key)
  trial.done.add('removal')
  return { proof: made.proof, conditions: 'etag' in tried, ...(oneMachine && { locks: oneMachine.folder }) }
}

/**
 * Does the store keep conditions on writes? Then the second text is what lies under the key.
 * @param mayRefuse whether a store that refuses their headers can be used all the same
 */
async function tryConditions(
  { key, stored, completeRival }: MadeTwice,
  store: ArchiveStore,
  mayRefuse: boolean,
): Promise<{ etag: string } | { broken: string }> {
  const known = <Result>(work: Promise<Result>) => (mayRefuse ? unlessRefused(work) : work)
  const [created, completed] = await together([
    known(store.writeText(key, texts.never, { onlyIf: { absent: true } })),
    wasCompleted(known(completeRival())),
  ])
  if (created !== undefined) return { broken: 'overwrites an object where it should not (If-None-Match)' }
  if (completed) return { broken: 'overwrites an object by completing an upload where it should not (If-None-Match)' }
  const replaced = await known(store.writeText(key, texts.second, { onlyIf: { etag: stored.etag } }))
  if (replaced === undefined || replaced === REFUSED) {
    return { broken: 'does not replace an object that is the expected one (If-Match)' }
  }
  const again = await store.writeText(key, texts.never, { onlyIf: { etag: stored.etag } })
  if (again === undefined) return { etag: replaced }
  return { broken: 'replaces an object though it is another than the expected one (If-Match)' }
}

const REFUSED = 'refused'

/** A store that refuses the header of a condition doesn't keep it. */
async function unlessRefused<Result>(work: Promise<Result>): Promise<Result | typeof REFUSED> {
  try {
    return await work
  } catch (error) {
    if (refusesHeader(error, /if-(none-)?match|condition/i)) return REFUSED
    throw error
  }
}

/** A store that keeps the condition says that the key is taken. */
async function wasCompleted(completing: Promise<unknown>): Promise<boolean> {
  try {
    await completing
    return true
  } catch (error) {
    if (error instanceof ArchiveConflict) return false
    throw error
  }
}

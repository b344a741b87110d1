import { StoreUnreachable } from '../../contracts/errors.ts'
import { storeTestKey } from '../../domain/books/object-keys.ts'
import type { StoreFacts } from '../../domain/doctor/store-steps.ts'
import { isUnanswered } from '../../domain/words/unanswered.ts'
import type { Ports } from '../ports.ts'
import { together } from './store-answers.ts'
import { tryStore } from './store-steps.ts'
import { lacksCrc, type TestedSum } from './store-uploads.ts'
import type { Leftovers, StoreTrial } from './store-trial.ts'
import { withinTime } from './time-limit.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'now' | 'sleep' | 'timer' | 'randomToken' | 'log'>

/** Some ten round trips: a store that takes longer over them is of no use for archives. */
const TEST_MILLISECONDS = 8_000
/** What a test leaves behind is the sweep's, when it can't be removed within this. */
const CLEAN_UP_MILLISECONDS = 1_000

/**
 * Does the store do all that a run needs of it? Found out before anything is dumped, within nine seconds (seventeen,
 * where it lacks CRC-32), with an object of a few bytes below `uploads/test/`: multipart upload with its lists and its
 * CRC-32 over the whole, writes on condition, reading, removal. Nothing stays of it; where versions are kept, two of some 50
 * bytes and a delete marker do.
 * @param provenBy key of an object that is only written after a test, of the same run: while it is there, this is no news
 * @param trial shows afterwards which of the steps the store did
 * @returns what it found, now or when it was tested; `undefined` when it wasn't tested now and is AWS
 * @throws StoreUnsuitable, StoreUnreachable, StoreDenied, NotAnObjectStore; StoreUnavailable when the store itself asks to
 *   come back later
 */
export async function testStore(
  ports: Needs,
  provenBy?: string,
  trial: StoreTrial = { done: new Set() },
): Promise<StoreFacts | undefined> {
  const { store, now, log } = ports
  const begunAt = now().getTime()
  const left: Leftovers = { uploads: [], keys: new Set() }
  try {
    const limit = { milliseconds: TEST_MILLISECONDS, mayPass: isUnanswered, late: (last: unknown) => late(store, last) }
    const test = (sum: TestedSum): Promise<StoreFacts | undefined> =>
      withinTime(limit, ports, async () => {
        if (provenBy !== undefined && (await store.head(provenBy)) !== undefined) return undefined
        trial.done.clear()
        delete trial.failed
        // A key of its own for each try: what an earlier one left would look like a condition that doesn't hold.
        return tryStore(storeTestKey(ports.keyPrefix, ports.randomToken()), sum, { left, trial }, ports)
      })
    const tested = await test('crc32').catch((error: unknown) => {
      // Who expects AWS gets AWS or an error.
      if (store.oneMachine === undefined || !lacksCrc(error)) throw error
      return test('md5')
    })
    if (tested === undefined) return store.oneMachine && { ...store.oneMachine.noted(), locks: store.oneMachine.folder }
    store.oneMachine?.note(tested)
    log('store-tested', { bucket: store.bucket, ...tested, milliseconds: now().getTime() - begunAt })
    return tested
  } finally {
    await cleanUp(left, ports)
  }
}

function late({ bucket }: Needs['store'], last: unknown): StoreUnreachable {
  const why = last instanceof Error ? last.message : 'it was still waiting for an answer'
  return new StoreUnreachable(
    `The store of s3://${bucket} did not get through a test of a few small requests within ${TEST_MILLISECONDS / 1000} seconds: ${why}. ` +
      'Check the endpoint, that the store is up, and the network in between; a function in a VPC needs a gateway endpoint for S3.',
    { cause: last },
  )
}

/** As far as it goes: what stays is found by the sweep. */
async function cleanUp({ uploads, keys }: Leftovers, ports: Needs): Promise<void> {
  const { store, log } = ports
  if (uploads.length + keys.size === 0) return
  const removals = [
    ...uploads.map(({ key, uploadId }) => store.abortUpload(key, uploadId)),
    ...[...keys].map((key) => store.remove(key)),
  ]
  const limit = {
    milliseconds: CLEAN_UP_MILLISECONDS,
    mayPass: () => false,
    late: () => new Error('no answer in time'),
  }
  await withinTime(limit, ports, () => together(removals)).catch((error: unknown) =>
    log('store-test-left', { bucket: store.bucket, reason: String(error) }),
  )
}

import type { BucketSettings } from '../../domain/doctor/bucket-settings.ts'
import type { Finding } from '../../domain/doctor/finding.ts'
import { settingsFindings, storeFindings, type StorePlace } from '../../domain/doctor/judge-store.ts'
import type { Ports } from '../ports.ts'
import type { StoreTrial } from '../run/store-trial.ts'
import { testStore } from '../run/test-store.ts'
import type { StoreFacts } from '../../domain/doctor/store-steps.ts'
import { withinTime } from '../run/time-limit.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'now' | 'sleep' | 'timer' | 'randomToken' | 'log'> & {
  /** What the bucket is set to. */
  bucketSettings(): Promise<BucketSettings>
}

const SETTINGS_MILLISECONDS = 4_000

/** Ask a store for all that a run asks of it, as a run does first, and look at the bucket's settings. */
export async function inspectStore(place: Omit<StorePlace, 'bucket'>, ports: Needs): Promise<Finding[]> {
  const where = { ...place, bucket: ports.store.bucket }
  const trial: StoreTrial = { done: new Set() }
  let facts: StoreFacts | undefined
  try {
    facts = await testStore(ports, undefined, trial)
  } catch (error) {
    if (!(error instanceof Error)) throw error
    return storeFindings(trial, error, where)
  }
  const late = () => new Error('The store did not answer in time.')
  const limit = { milliseconds: SETTINGS_MILLISECONDS, mayPass: () => false, late }
  const settings = await withinTime(limit, ports, () => ports.bucketSettings()).catch((error: Error) => ({
    versioning: { unknown: error.message },
    lock: { unknown: error.message },
  }))
  const ofSettings = settingsFindings(settings, where)
  const ofTrial = storeFindings(trial, undefined, where, facts)
  return [...ofTrial.filter(({ check }) => !ofSettings.some((one) => one.check === check)), ...ofSettings]
}

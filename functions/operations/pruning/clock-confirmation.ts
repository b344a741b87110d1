import type { ClockConfirmation } from '../../contracts/retention-report.ts'
import { clockTrouble } from '../../domain/time/clock-trouble.ts'
import type { TracedArchive } from '../../domain/identity/guests-of-id.ts'
import { clockConfirmationKey, type KeyedGuest } from '../../domain/books/object-keys.ts'
import { clockConfirmationShape } from '../books/shapes.ts'
import { recordIn, writeRecord } from '../books/stored-json.ts'
import { readTextUnlessFrozen } from '../books/frozen-text.ts'
import type { RetentionPorts } from './retention-ports.ts'

type Needs = Pick<RetentionPorts, 'store' | 'keyPrefix' | 'now'>

interface Subject {
  site: string
  guest: KeyedGuest
}

/**
 * When a person last said that the times of a guest's archives are in order. Looked for only where they aren't; a record
 * that can't be read confirms nothing.
 */
export async function clockConfirmedAt(
  archives: readonly TracedArchive[],
  { site, guest }: Subject,
  { store, keyPrefix, now }: Needs,
): Promise<string | undefined> {
  const times = archives.flatMap(({ facts }) => facts ?? [])
  if (clockTrouble(times, now(), undefined) === undefined) return undefined
  const found = await readTextUnlessFrozen(store, clockConfirmationKey(keyPrefix, site, guest))
  if (found === undefined || 'frozen' in found) return undefined
  const read = recordIn(clockConfirmationShape, found.text)
  return 'value' in read ? read.value.confirmedAt : undefined
}

/** Keep a person's word, so that the next pruning doesn't ask for it again. Of two words at once, either will do. */
export async function confirmClock({ site, guest }: Subject, { store, keyPrefix, now }: Needs): Promise<void> {
  const record: ClockConfirmation = { version: 1, confirmedAt: now().toISOString() }
  await writeRecord(store, clockConfirmationKey(keyPrefix, site, guest), clockConfirmationShape, record)
}

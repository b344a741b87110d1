import { sentence } from '../../domain/words/sentence.ts'
import { GuestliftError } from '../../contracts/errors.ts'
import { manifestKey } from '../../domain/books/object-keys.ts'
import { lockInForce, wholeLock } from '../../domain/transfer/object-lock.ts'
import type { ShownLock } from '../../contracts/object-lock.ts'
import { copyShortfall } from '../../domain/verification/second-copy.ts'
import { manifestShape } from '../books/shapes.ts'
import { recordIn } from '../books/stored-json.ts'
import type { Ports } from '../ports.ts'

export interface CopyPorts extends Pick<Ports, 'store' | 'now'> {
  /** The bucket that is to hold the same. */
  second: Ports['store']
}

/** Whether the second bucket holds an archive whole, as its own S3 says. */
export interface CopyProof {
  folder: string
  /** `lacking`: the reasons say why. `not-known`: one of the buckets didn't answer, or refused. */
  state: 'proved' | 'lacking' | 'not-known'
  reasons: string[]
  /** What holds all its files there. Absent where some file is free. */
  lock?: ShownLock
}

/**
 * Compare a whole archive with what lies under the same keys in the second bucket: the manifest byte for byte, each file
 * by size, CRC-32 and lock, and that each side file is there. What the first bucket says of itself proves nothing of the
 * second; nothing is carried over, so that a wrong newest archive never replaces a good copy.
 */
export async function proveCopy(folder: string, ports: CopyPorts): Promise<CopyProof> {
  try {
    return await compare(folder, ports)
  } catch (error) {
    if (!(error instanceof GuestliftError)) throw error
    return { folder, state: 'not-known', reasons: [sentence(error.message)] }
  }
}

async function compare(folder: string, { store, second, now }: CopyPorts): Promise<CopyProof> {
  const where = `s3://${second.bucket}`
  const lacking = (...reasons: string[]): CopyProof => ({ folder, state: 'lacking', reasons })
  const key = manifestKey(folder)
  const [original, copied] = [await store.readText(key), await second.readText(key)]
  if (original === undefined) return lacking(`s3://${store.bucket}/${folder} has no manifest: it is no archive.`)
  const manifest = recordIn(manifestShape, original.text)
  if (!('value' in manifest)) return lacking(`s3://${store.bucket}/${key} can't be read.`)
  if (copied === undefined) return lacking(`${where}/${key} is not there.`)
  if (copied.text !== original.text) return lacking(`${where}/${key} is another manifest.`)

  const reasons: string[] = []
  const locks: (ShownLock | undefined)[] = []
  for (const artifact of manifest.value.artifacts) {
    const object = await second.head(artifact.key)
    const shortfall = copyShortfall(artifact, object, where, now())
    if (shortfall !== undefined) reasons.push(`${shortfall}.`)
    locks.push(lockInForce(object?.lock, now()))
  }
  for (const sideFile of manifest.value.sideFiles) {
    const [one, other] = [await store.head(sideFile), await second.head(sideFile)]
    if (one !== undefined && one.sizeBytes !== other?.sizeBytes) {
      reasons.push(`${where}/${sideFile} is not there, or of another size.`)
    }
  }
  if (reasons.length > 0) return lacking(...reasons)
  const lock = wholeLock(locks)
  return { folder, state: 'proved', reasons: [], ...(lock === undefined ? {} : { lock }) }
}

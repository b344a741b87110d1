import type { Manifest } from '../../contracts/manifest.ts'
import type { ShownLock } from '../../contracts/object-lock.ts'
import type { Verification } from '../../contracts/verification.ts'
import { manifestKey } from '../../domain/books/object-keys.ts'
import { lockInForce, lockLost, requiredNow, wholeLock } from '../../domain/transfer/object-lock.ts'
import type { Ports } from '../ports.ts'

type Needs = Pick<Ports, 'store' | 'now' | 'requiredLock'>

/**
 * Read the locks of an archive's files again: against those that its manifest noted, and against what the deployment
 * demands of archives as young as this one. The manifest itself, which makes the files an archive, is held as long as they. A missing object is the reading's news, not ours.
 */
export async function lookAtLocks(
  folder: string,
  { artifacts, writtenAt }: Manifest,
  ports: Needs,
): Promise<Pick<Verification, 'locks' | 'lockTrouble'>> {
  const { store, now, requiredLock } = ports
  const locks: NonNullable<Verification['locks']> = []
  const troubles: string[] = []
  for (const { key, fileName, versionId, lock: noted } of artifacts) {
    const object = await store.head(key)
    if (object === undefined) continue
    const isOther = versionId !== undefined && object.versionId !== versionId
    const shown = isOther ? undefined : lockInForce(object.lock, now())
    if (shown !== undefined) locks.push({ fileName, ...shown })
    const trouble = noted === undefined ? unlocked(shown) : (lockLost(noted, shown, now()) ?? unlocked(shown))
    if (trouble !== undefined) troubles.push(`s3://${store.bucket}/${key} is not locked as it is to be: ${trouble}.`)
  }
  const whole = wholeLock(artifacts.map(({ lock }) => lock))
  const own = whole && lockLost(whole, (await store.head(manifestKey(folder)))?.lock, now())
  if (own !== undefined)
    troubles.push(`s3://${store.bucket}/${manifestKey(folder)} is not locked as its files: ${own}.`)
  const advice = 'Lock it again (aws s3api put-object-retention), and find out who lifted the lock.'
  return {
    ...(locks.length > 0 ? { locks } : {}),
    ...(troubles.length > 0 ? { lockTrouble: `${troubles.join(' ')} ${advice}` } : {}),
  }

  /** Of an archive that is to be locked still. A lock in force is enough: how long it is was asked when it was written. */
  function unlocked(shown: ShownLock | undefined): string | undefined {
    if (requiredLock === undefined || shown !== undefined || !requiredNow(requiredLock, writtenAt, now()))
      return undefined
    return `S3 shows no lock on it, and this deployment demands one for ${requiredLock.days} days`
  }
}

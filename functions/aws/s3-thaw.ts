/** Objects in S3's archive classes: whether they can be read now, and having them made readable. */
import {
  type HeadObjectCommandOutput,
  HeadObjectCommand,
  RestoreObjectCommand,
  type RestoreRequest,
  type S3Client,
} from '@aws-sdk/client-s3'
import { ArchiveConflict, type GuestliftError, StoreDenied, StoreUnavailable } from '../contracts/errors.ts'
import { isCold } from '../domain/catalogue/catalogue.ts'
import type { FrozenState, ThawAnswer, ThawOrder } from './archive-store.ts'
import { errorCode, statusOf, storeFact } from './s3-errors.ts'

interface ObjectAt {
  bucket: string
  key: string
}

const tierNames = { expedited: 'Expedited', standard: 'Standard', bulk: 'Bulk' } as const

/** What HEAD says of an object. `archiveStatus` is the archive tier of S3 Intelligent-Tiering that it lies in. */
interface Found extends FrozenState {
  archiveStatus: string | undefined
}

async function look(client: S3Client, { bucket, key }: ObjectAt): Promise<Found | undefined> {
  try {
    return stateIn(await client.send(new HeadObjectCommand({ Bucket: bucket, Key: key })))
  } catch (error) {
    if (statusOf(error) === 404 && errorCode(error) !== 'NoSuchBucket') return undefined
    throw storeFact(error, { bucket, key, verb: 'look at' })
  }
}

function stateIn(answer: Pick<HeadObjectCommandOutput, 'StorageClass' | 'ArchiveStatus' | 'Restore'>): Found {
  const { StorageClass: storageClass = 'STANDARD', ArchiveStatus: archiveStatus, Restore: restore = '' } = answer
  const found = { storageClass, archiveStatus }
  if (!isCold({ storageClass }) && archiveStatus === undefined) return { ...found, state: 'readable' }
  if (/ongoing-request="true"/.test(restore)) return { ...found, state: 'thawing' }
  // Out of a tier of Intelligent-Tiering an object moves; of an archive class there is a copy, until it expires.
  if (archiveStatus !== undefined || !/ongoing-request="false"/.test(restore)) return { ...found, state: 'frozen' }
  const until = Date.parse(/expiry-date="([^"]+)"/.exec(restore)?.[1] ?? '')
  return {
    ...found,
    state: 'readable',
    ...(Number.isNaN(until) ? {} : { readableUntil: new Date(until).toISOString() }),
  }
}

/** `undefined` when there is no such object. */
export async function frozenState(client: S3Client, at: ObjectAt): Promise<FrozenState | undefined> {
  const found = await look(client, at)
  if (found === undefined) return undefined
  const { archiveStatus: _, ...state } = found
  return state
}

/**
 * Ask for an object to be made readable. Asking again is safe: S3 says that it is at it, or extends what is readable.
 * @throws ArchiveConflict when there is no such object
 * @throws StoreDenied where the tier isn't offered; StoreUnavailable where S3 has no room for it now
 */
export async function thaw(client: S3Client, at: ObjectAt, order: ThawOrder): Promise<ThawAnswer> {
  const where = `s3://${at.bucket}/${at.key}`
  const gone = new ArchiveConflict(`${where} was removed before it could be thawed. Restore another archive.`)
  const found = await look(client, at)
  if (found === undefined) throw gone
  const { storageClass, archiveStatus = storageClass } = found
  if (!isCold({ storageClass }) && found.archiveStatus === undefined) return 'readable'
  if (order.tier === 'expedited' && archiveStatus.startsWith('DEEP_ARCHIVE')) {
    throw new StoreDenied(
      `${where} lies in ${archiveStatus}, from which S3 thaws nothing with tier expedited. Take tier standard (within 12 hours) or bulk (within 48).`,
    )
  }
  try {
    const command = new RestoreObjectCommand({
      Bucket: at.bucket,
      Key: at.key,
      RestoreRequest: requestFor(found, order),
    })
    const { $metadata } = await client.send(command)
    return $metadata.httpStatusCode === 200 ? 'readable' : 'begun'
  } catch (error) {
    const code = errorCode(error)
    if (code === 'RestoreAlreadyInProgress') return 'under-way'
    if (code === 'NoSuchKey') throw gone
    throw refusedThaw(error, at)
  }
}

/** Objects that leave a tier of Intelligent-Tiering stay out of it; S3 refuses a number of days for them. */
function requestFor({ archiveStatus }: Found, { days, tier }: ThawOrder): RestoreRequest {
  const GlacierJobParameters = { Tier: tierNames[tier] }
  return archiveStatus === undefined ? { Days: days, GlacierJobParameters } : { GlacierJobParameters }
}

function refusedThaw(error: unknown, { bucket, key }: ObjectAt): GuestliftError {
  if (errorCode(error) === 'GlacierExpeditedRetrievalNotAvailable') {
    return new StoreUnavailable(
      `can't thaw s3://${bucket}/${key}: S3 has no room for tier expedited now. Take tier standard or bulk, or try again later.`,
      { cause: error },
    )
  }
  return storeFact(error, { bucket, key, verb: 'thaw' })
}

import { BEGINNING_BYTES, readBeginning } from '../../archive-formats/proxmox/read-beginning.ts'
import { GuestliftError, NotAnArchive } from '../../contracts/errors.ts'
import type { StoredArtifact } from '../../contracts/nouns.ts'
import type { EmbeddedConfiguration } from '../../contracts/verification.ts'
import type { Ports } from '../ports.ts'

/**
 * Look at the first MiB of a stored file: that it begins as what its name says, and the guest's configuration in it.
 * Says nothing of a file that it can't get or doesn't know: such a copy is proved by its checksum all the same.
 * @throws NotAnArchive when a restore would refuse the file from its first bytes on
 */
export async function lookInside(
  { key, fileName }: Pick<StoredArtifact, 'key' | 'fileName'>,
  { store }: Pick<Ports, 'store'>,
): Promise<EmbeddedConfiguration | undefined> {
  const first = await firstBytes(key, store)
  if (first === undefined) return undefined
  const { problem, configuration } = await readBeginning(first, fileName)
  if (problem === undefined) return configuration
  throw new NotAnArchive(
    `${problem} It is what the platform gave, byte for byte, and lies at s3://${store.bucket}/${key}. Look at the ` +
      "backup's log and at the file on the platform's storage, then back this guest up again.",
  )
}

async function firstBytes(key: string, store: Ports['store']): Promise<Buffer | undefined> {
  try {
    const object = await store.head(key)
    if (object === undefined || object.sizeBytes === 0) return undefined
    const lastByte = Math.min(object.sizeBytes, BEGINNING_BYTES) - 1
    return await store.readRange(key, { firstByte: 0, lastByte, etag: object.etag })
  } catch (error) {
    if (!(error instanceof GuestliftError)) throw error
    return undefined
  }
}

import { ChecksumMismatch } from '../contracts/errors.ts'
import type { SourceArtifact, StoredArtifact } from '../contracts/nouns.ts'
import type { TaskInput, TaskOutput } from '../contracts/tasks.ts'
import { crc32ToBase64 } from '../domain/crc32.ts'
import type { Ports } from './ports.ts'

type Needs = Pick<Ports, 'store'>

/**
 * Ask S3 anew for each artifact and compare with the source's size and the sum over the bytes that were read.
 * @throws ChecksumMismatch when anything is missing or differs
 */
export async function verifyArchive(
  { artifacts, stored }: TaskInput<'VerifyArchive'>,
  ports: Needs,
): Promise<TaskOutput<'VerifyArchive'>> {
  for (const artifact of artifacts) {
    const claimed = stored.find((candidate) => candidate.fileName === artifact.fileName)
    if (claimed === undefined) throw new ChecksumMismatch(`${artifact.fileName} was not stored`)
    await verifyOne(artifact, claimed, ports)
  }
  return { verified: true }
}

async function verifyOne(artifact: SourceArtifact, claimed: StoredArtifact, { store }: Needs): Promise<void> {
  const where = `s3://${store.bucket}/${claimed.key}`
  const object = await store.head(claimed.key)
  if (object === undefined) {
    throw new ChecksumMismatch(`${where} is gone although it was completed. Did something delete it?`)
  }
  if (object.sizeBytes !== artifact.sizeBytes || object.sizeBytes !== claimed.sizeBytes) {
    throw new ChecksumMismatch(
      `${where} has ${object.sizeBytes} bytes, ${artifact.fileName} had ${artifact.sizeBytes} on node ${artifact.location.node}`,
    )
  }
  const checksum = object.crc32 === undefined ? 'no CRC-32' : `CRC32:${crc32ToBase64(object.crc32)}`
  if (checksum !== claimed.checksum) {
    throw new ChecksumMismatch(`${where} has ${checksum}; the bytes that were read have ${claimed.checksum}`)
  }
}

import { ChecksumMismatch } from '../../contracts/errors.ts'
import type { TaskInput, TaskOutput } from '../../contracts/tasks.ts'
import { judgeObject } from '../../domain/transfer/copy-verdict.ts'
import { pairSources } from '../../domain/transfer/stored-sources.ts'
import type { Ports } from '../ports.ts'

type Needs = Pick<Ports, 'store'>

/**
 * Ask S3 anew for each artifact and compare with the source's size and the sum over the bytes that were read.
 * @throws ChecksumMismatch when anything is missing or differs
 */
export async function verifyArchive(
  { artifacts, stored }: TaskInput<'VerifyArchive'>,
  ports: Needs,
): Promise<TaskOutput<'VerifyArchive'>> {
  for (const { artifact, stored: claimed } of pairSources(artifacts, stored)) {
    const object = claimed === undefined ? undefined : await ports.store.head(claimed.key)
    const where = `s3://${ports.store.bucket}/${claimed?.key ?? ''}`
    const { good, reason } = judgeObject(artifact, claimed, object, where)
    if (!good) throw new ChecksumMismatch(reason)
  }
  return { matches: true }
}

/** Reads archives of a bucket back and writes what was found beside them: best run in the bucket's region. */
import { readFolder } from '../../../functions/domain/catalogue/catalogue.ts'
import type { Verification } from '../../../functions/contracts/verification.ts'
import { verifyDeep } from '../../../functions/operations/verification/verify-deep.ts'
import { toolVersion } from '../../../functions/runtime/version.ts'
import type { BucketOptions, OpenBucket } from '../bucket-store.ts'
import { CliError } from '../../run/cli-error.ts'

export interface VerifiedArchive {
  folder: string
  verification: Verification
}

/**
 * Each archive in turn, oldest name first.
 * @param where a key of an archive's file, its folder, or any prefix of several
 * @param opened the bucket that the options name
 * @throws CliError when there is none
 */
export async function* verifyStored(
  where: string,
  options: BucketOptions,
  { store, keyPrefix }: Pick<OpenBucket, 'store' | 'keyPrefix'>,
): AsyncGenerator<VerifiedArchive> {
  const folder = readFolder(keyPrefix, where)?.folder
  const keys = await store.listKeys(folder ?? where)
  const folders = new Set(keys.flatMap((key) => readFolder(keyPrefix, key)?.folder ?? []))
  if (folders.size === 0) throw new CliError(`There is no archive below s3://${options.bucket}/${where}.`)
  const ports = {
    store,
    toolVersion,
    now: () => new Date(),
    // This machine has all the time in the world.
    remainingMilliseconds: () => Number.POSITIVE_INFINITY,
  }
  for (const each of [...folders].sort()) {
    const verification = await verifyDeep(each, ports)
    yield { folder: each, verification }
  }
}

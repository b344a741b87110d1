/** Reads archives of a bucket back and writes what was found beside them: best run in the bucket's region. */
import { archivesPrefix } from '../../../functions/domain/books/object-keys.ts'
import { readFolder } from '../../../functions/domain/catalogue/catalogue.ts'
import type { Verification } from '../../../functions/contracts/verification.ts'
import type { Sought } from '../../../functions/operations/catalogue/find-archive.ts'
import { verifyDeep } from '../../../functions/operations/verification/verify-deep.ts'
import { toolVersion } from '../../../functions/runtime/version.ts'
import type { OpenBucket } from '../bucket-store.ts'
import { CliError } from '../../run/cli-error.ts'
import { oneArchive } from './one-archive.ts'

export interface VerifiedArchive {
  folder: string
  verification: Verification
}

/**
 * Each archive in turn, oldest name first.
 * @param where a key of an archive's file, its folder, or any prefix of several; else an address of one archive
 * @param opened the bucket that the options name
 * @throws CliError when there is none, ArchiveUnknown when it isn't one
 */
export async function* verifyStored(
  where: string,
  sought: Sought,
  opened: Pick<OpenBucket, 'store' | 'keyPrefix'>,
): AsyncGenerator<VerifiedArchive> {
  const { store, keyPrefix } = opened
  const folders = where.startsWith(archivesPrefix(keyPrefix))
    ? await foldersBelow(where, opened)
    : [(await oneArchive(where, sought, opened)).folder]
  const ports = {
    store,
    keyPrefix,
    toolVersion,
    now: () => new Date(),
    // This machine has all the time in the world.
    remainingMilliseconds: () => Number.POSITIVE_INFINITY,
  }
  for (const each of folders) {
    const verification = await verifyDeep(each, ports)
    yield { folder: each, verification }
  }
}

async function foldersBelow(
  where: string,
  { store, keyPrefix }: Pick<OpenBucket, 'store' | 'keyPrefix'>,
): Promise<string[]> {
  const keys = await store.listKeys(readFolder(keyPrefix, where)?.folder ?? where)
  const folders = new Set(keys.flatMap((key) => readFolder(keyPrefix, key)?.folder ?? []))
  if (folders.size === 0) throw new CliError(`There is no archive below s3://${store.bucket}/${where}.`)
  return [...folders].sort()
}

import type { IndexedMember } from '../../contracts/content-index.ts'
import { Damage, Findings } from '../damage.ts'
import { NoSuchContent } from '../archive-bytes.ts'
import { IndexMisleads, visitIndexed } from './indexed-member.ts'
import { openContent } from './open-content.ts'
import type { ArchiveBytes, PassedFile } from '../archive-bytes.ts'
import { type TarVisitor, walkTar } from './tar.ts'

/**
 * Show all members of a container's archive to a visitor. Where the archive isn't compressed, what the visitor doesn't
 * take is not read, unless it has to be read whole.
 * @returns what passed, where all was read
 * @throws Damage with what is wrong and where
 */
export async function visitFiles(
  bytes: ArchiveBytes,
  visitor: TarVisitor,
  { whole = false } = {},
): Promise<PassedFile | undefined> {
  const opened = await openContent(bytes, { whole })
  try {
    if (opened.format !== 'tar') {
      throw new NoSuchContent(
        `${bytes.fileName} is the archive of a VM: it holds disks, and files only inside of those.`,
      )
    }
    const findings = new Findings()
    await walkTar(opened.content, findings, { members: 0, memberBytes: 0 }, visitor)
    const passed = await opened.finish()
    // What a restore lacks is no reason to keep files back.
    const first = findings.list.find(({ code }) => code !== 'configuration-missing')
    if (first !== undefined) throw new Damage(first.code, first.message, first.of ?? 'content', first.offset ?? 0)
    return passed
  } finally {
    await opened.close()
  }
}

/**
 * Show some members to a visitor, by what an index says of them. Where the archive isn't compressed, only they are read;
 * otherwise all that stands before the last of them.
 * @param members ascending by place
 * @throws IndexMisleads where the archive holds something else: nothing that the visitor was shown counts
 */
export async function visitFilesByIndex(
  bytes: ArchiveBytes,
  members: readonly IndexedMember[],
  visitor: TarVisitor,
): Promise<void> {
  const opened = await openContent(bytes)
  try {
    if (opened.format !== 'tar') throw new IndexMisleads('the archive is no tar')
    await visitIndexed(opened.content, members, visitor)
  } finally {
    await opened.close()
  }
}

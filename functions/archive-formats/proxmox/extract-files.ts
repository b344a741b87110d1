import { Damage, Findings } from '../damage.ts'
import { NoSuchContent } from './extract-disk.ts'
import { type ArchiveBytes, openContent, type PassedFile } from './open-content.ts'
import { type TarVisitor, walkTar } from './tar.ts'

/**
 * Show all members of a container's archive to a visitor. Where the archive isn't compressed, what the visitor doesn't
 * take is not read.
 * @returns what passed, where all was read
 * @throws Damage with what is wrong and where
 */
export async function visitFiles(bytes: ArchiveBytes, visitor: TarVisitor): Promise<PassedFile | undefined> {
  const opened = await openContent(bytes)
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

/** `guestlift extract --file`: files of a container, by the index of its archive where that helps. */
import { visitFiles, visitFilesByIndex } from '../../../functions/archive-formats/proxmox/extract-files.ts'
import { type FilePattern, memberPath } from '../../../functions/archive-formats/proxmox/file-patterns.ts'
import { IndexMisleads } from '../../../functions/archive-formats/proxmox/indexed-member.ts'
import type { TarVisitor } from '../../../functions/archive-formats/proxmox/tar.ts'
import { counted } from '../../../functions/domain/words/counted.ts'
import { CliError } from '../../run/cli-error.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { plain } from '../print/columns.ts'
import { out } from '../stream-out.ts'
import { type ArchiveSource, judgePassed } from './archive-source.ts'
import { folderWriter, type MemberWriter, tarWriter } from './member-writers.ts'
import { findByIndex, reportLeftAside } from './open-index.ts'
import type { Output } from './output.ts'
import { sayWhatIsRead, sayWhatIsReadByIndex } from './what-is-read.ts'

/** Shows members to a visitor. Returns a sentence about what was compared. */
type Visit = (visitor: TarVisitor) => Promise<string>

const BY_INDEX =
  'Only parts of the archive were read. Each file has the CRC-32 that it had when the archive was last read whole.'

/** @param byIndex whether an index may be used, if there is one */
export async function takeFiles(
  source: ArchiveSource,
  patterns: readonly FilePattern[],
  target: Output,
  { tar, byIndex }: { tar: boolean; byIndex: boolean },
): Promise<ExitCode> {
  const take = (visit: Visit) => takeThose(source, patterns, target, tar, visit)
  const reading = (whole: boolean): Visit => {
    return async (visitor) => judgePassed(source, await visitFiles(source, visitor, { whole }))
  }
  const found = byIndex ? await findByIndex(source, patterns) : undefined
  if (found === undefined) {
    await sayWhatIsRead(source)
    return take(reading(false))
  }
  sayWhatIsReadByIndex(source, found)
  try {
    return await take(async (visitor) => {
      if (found.members.length > 0) await visitFilesByIndex(source, found.members, visitor)
      return BY_INDEX
    })
  } catch (error) {
    if (!(error instanceof IndexMisleads)) throw error
    reportLeftAside(source.place, error)
    await target.discard()
    // Either of the two is wrong, and only the CRC-32 of the whole file tells which.
    return take(reading(true))
  }
}

async function takeThose(
  source: ArchiveSource,
  patterns: readonly FilePattern[],
  target: Output,
  tar: boolean,
  visit: Visit,
): Promise<ExitCode> {
  const file = tar ? await target.openFile() : undefined
  try {
    const writer = file === undefined ? folderWriter(await target.openFolder()) : tarWriter(file)
    const tally = { taken: 0, leftOut: 0, used: new Set<FilePattern>() }
    const compared = await visit({ visit: (member, content) => takeMember(member, content, patterns, writer, tally) })
    const unused = patterns.filter((pattern) => !tally.used.has(pattern))
    for (const { text } of unused) process.stderr.write(`The archive holds nothing that fits ${plain(text)}.\n`)
    if (tally.taken === 0) throw new CliError(`Nothing was taken out of ${source.place}.`)
    await writer.finish()
    await file?.close()
    await target.commit()
    await out(`${target.path}: ${counted(tally.taken, 'file')}.\n`)
    process.stderr.write(`${compared}\n`)
    return unused.length === 0 && tally.leftOut === 0 ? exitCodes.succeeded : exitCodes.partial
  } finally {
    await file?.close().catch(() => undefined)
  }
}

async function takeMember(
  member: Parameters<MemberWriter['write']>[0],
  content: AsyncIterable<Buffer>,
  patterns: readonly FilePattern[],
  writer: MemberWriter,
  tally: { taken: number; leftOut: number; used: Set<FilePattern> },
): Promise<void> {
  const path = memberPath(member.name)
  const fitting = patterns.filter((pattern) => pattern.fits(path))
  if (fitting.length === 0) return
  for (const pattern of fitting) tally.used.add(pattern)
  const why = await writer.write(member, path, content)
  if (why === undefined) tally.taken += 1
  else {
    tally.leftOut += 1
    process.stderr.write(`${plain(path)}: ${plain(why)}.\n`)
  }
}

/** `guestlift extract --list`: what is inside an archive. */
import { visitFiles } from '../../../functions/archive-formats/proxmox/extract-files.ts'
import { shortDiskName } from '../../../functions/archive-formats/proxmox/extract-disk.ts'
import { memberPath } from '../../../functions/archive-formats/proxmox/file-patterns.ts'
import { shownConfiguration } from '../../../functions/archive-formats/proxmox/guest-configuration.ts'
import { openContent } from '../../../functions/archive-formats/proxmox/open-content.ts'
import { readVmaHeader } from '../../../functions/archive-formats/proxmox/vma-header.ts'
import { diskSizeOf } from '../../../functions/archive-formats/raw-disk/take-disk.ts'
import { diskNameOf, isDiskArchive } from '../../../functions/archive-formats/raw-disk/file-name.ts'
import type { IndexedMember } from '../../../functions/contracts/content-index.ts'
import { GuestliftError } from '../../../functions/contracts/errors.ts'
import { formatBytes } from '../../../functions/domain/words/byte-size.ts'
import { IndexUnusable } from '../../../functions/operations/books/content-index.ts'
import { columns, plain } from '../print/columns.ts'
import { textOf } from '../print/terminal.ts'
import { out } from '../stream-out.ts'
import { type ArchivedDisk, type ArchiveSource, judgePassed } from './archive-source.ts'
import { openIndex, reportLeftAside } from './open-index.ts'

/**
 * Prints as it reads.
 * @param byIndex whether an index may be used, if there is one: then nothing else is read
 * @returns a sentence about what was read or compared
 * @throws Damage
 */
export async function listContent(
  source: ArchiveSource,
  { json, byIndex }: { json: boolean; byIndex: boolean },
): Promise<string> {
  if (isDiskArchive(source.fileName)) return listDisks(source, json)
  const index = byIndex ? await openIndex(source) : undefined
  if (index === undefined) return listArchive(source, json, 0)
  let listed = 0
  try {
    for await (const { member } of index.members(index.directory.blocks)) {
      await out(lineOf(member, json))
      listed += 1
    }
  } catch (error) {
    if (!(error instanceof IndexUnusable || error instanceof GuestliftError)) throw error
    reportLeftAside(source.place, error)
    return listArchive(source, json, listed)
  }
  return 'Only the index was read, and nothing of the archive.'
}

/** Each disk is a file of its own. */
async function listDisks(source: ArchiveSource, json: boolean): Promise<string> {
  const { disks = [await onlyDisk(source)] } = source
  if (json) await out(`${JSON.stringify({ version: 1, configurations: [], disks })}\n`)
  else {
    const rows = disks.map(({ name, sizeBytes, storedBytes }) => [
      `disk ${plain(name)}`,
      `${formatBytes(sizeBytes)} (${sizeBytes} bytes)`,
      `${formatBytes(storedBytes)} in the archive`,
    ])
    await out(`${columns(rows).join('\n')}\n`)
  }
  return 'Nothing of the disks was read.'
}

/** What the seek table at the file's end tells. @throws Damage */
async function onlyDisk(source: ArchiveSource): Promise<ArchivedDisk> {
  const read = (firstByte: number, lastByte: number) => source.read(firstByte, lastByte - firstByte + 1)
  const sizeBytes = await diskSizeOf(source.fileName, { sizeBytes: source.sizeBytes, read })
  return { name: diskNameOf(source.fileName), sizeBytes, storedBytes: source.sizeBytes }
}

/** @param listed how many members were listed already */
async function listArchive(source: ArchiveSource, json: boolean, listed: number): Promise<string> {
  const opened = await openContent(source)
  const isVm = opened.format === 'vma'
  try {
    if (isVm) {
      const { configurations, devices } = await readVmaHeader(opened.content)
      const disks = devices.map(({ name, sizeBytes }) => ({ name: shortDiskName(name), sizeBytes }))
      const shown = configurations.map(shownConfiguration)
      if (json) await out(`${JSON.stringify({ version: 1, configurations: shown, disks })}\n`)
      else {
        const rows = disks.map(({ name, sizeBytes }) => [
          `disk ${plain(name)}`,
          `${formatBytes(sizeBytes)} (${sizeBytes} bytes)`,
        ])
        const texts = shown.flatMap(({ name, text }) => [
          `${plain(name)}:`,
          ...text.trimEnd().split('\n').map(indented),
        ])
        await out(textOf([...columns(rows), ...texts]))
      }
    }
  } finally {
    await opened.close()
  }
  if (isVm) return 'Only the beginning of the archive was read.'
  let at = 0
  const passed = await visitFiles(source, {
    async visit(member) {
      at += 1
      if (at > listed) await out(lineOf({ ...member, path: memberPath(member.name) }, json))
    },
  })
  return judgePassed(source, passed)
}

const indented = (line: string): string => `  ${plain(line)}`

/** What both the archive and its index say of a member. */
type ListedMember = Omit<IndexedMember, 'headAt' | 'contentAt' | 'storedBytes' | 'crc32'>

function lineOf(member: ListedMember, json: boolean): string {
  return `${json ? JSON.stringify(memberJson(member)) : memberLine(member)}\n`
}

function memberJson({
  path,
  type,
  sizeBytes,
  mode,
  ownerId,
  groupId,
  modifiedAt,
  linkName = '',
}: ListedMember): object {
  const link = linkName === '' ? {} : { linkName }
  return { path, type, sizeBytes, mode, ownerId, groupId, modifiedAt, ...link }
}

const letters: Readonly<Record<string, string>> = { '1': 'h', '2': 'l', '3': 'c', '4': 'b', '5': 'd', '6': 'p' }

/** As `tar --list --verbose --numeric-owner` has it. */
function memberLine({
  path,
  type,
  sizeBytes,
  mode,
  ownerId,
  groupId,
  modifiedAt,
  linkName = '',
}: ListedMember): string {
  const rights = `${rightsOf(mode >>> 6, mode & 0o4000, 's')}${rightsOf(mode >>> 3, mode & 0o2000, 's')}${rightsOf(mode, mode & 0o1000, 't')}`
  const time = new Date(modifiedAt * 1000)
  const at = Number.isNaN(time.getTime()) ? '?' : `${time.toISOString().slice(0, 19).replace('T', ' ')}Z`
  const link = type === '2' ? ` -> ${plain(linkName)}` : type === '1' ? ` link to ${plain(linkName)}` : ''
  const size = String(sizeBytes).padStart(12)
  return `${letters[type] ?? '-'}${rights} ${ownerId}/${groupId} ${size} ${at} ${plain(path)}${link}`
}

/** @param special whether set-uid, set-gid or sticky stands where the right to run does */
function rightsOf(bits: number, special: number, letter: string): string {
  const runs = (bits & 1) !== 0
  const last = special === 0 ? (runs ? 'x' : '-') : runs ? letter : letter.toUpperCase()
  return `${(bits & 4) === 0 ? '-' : 'r'}${(bits & 2) === 0 ? '-' : 'w'}${last}`
}

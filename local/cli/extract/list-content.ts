/** `guestlift extract --list`: what is inside an archive. */
import { visitFiles } from '../../../functions/archive-formats/proxmox/extract-files.ts'
import { shortDiskName } from '../../../functions/archive-formats/proxmox/extract-disk.ts'
import { memberPath } from '../../../functions/archive-formats/proxmox/file-patterns.ts'
import { shownConfiguration } from '../../../functions/archive-formats/proxmox/guest-configuration.ts'
import { openContent } from '../../../functions/archive-formats/proxmox/open-content.ts'
import type { TarMember } from '../../../functions/archive-formats/proxmox/tar-member.ts'
import { readVmaHeader } from '../../../functions/archive-formats/proxmox/vma-header.ts'
import { formatBytes } from '../../../functions/domain/words/byte-size.ts'
import { columns, plain } from '../print/columns.ts'
import { out } from '../stream-out.ts'
import { type ArchiveSource, judgePassed } from './archive-source.ts'

/** Prints as it reads. Returns a sentence about what was compared. @throws Damage */
export async function listContent(source: ArchiveSource, json: boolean): Promise<string> {
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
        await out(`${[...columns(rows), ...texts].join('\n')}\n`)
      }
    }
  } finally {
    await opened.close()
  }
  if (isVm) return 'Only the beginning of the archive was read.'
  const passed = await visitFiles(source, {
    async visit(member) {
      await out(`${json ? JSON.stringify(memberJson(member)) : memberLine(member)}\n`)
    },
  })
  return judgePassed(source, passed)
}

const indented = (line: string): string => `  ${plain(line)}`

function memberJson({ name, type, sizeBytes, mode, ownerId, groupId, modifiedAt, linkName }: TarMember): object {
  const link = linkName === '' ? {} : { linkName }
  return { path: memberPath(name), type, sizeBytes, mode, ownerId, groupId, modifiedAt, ...link }
}

const letters: Readonly<Record<string, string>> = { '1': 'h', '2': 'l', '3': 'c', '4': 'b', '5': 'd', '6': 'p' }

/** As `tar --list --verbose --numeric-owner` has it. */
function memberLine({ name, type, sizeBytes, mode, ownerId, groupId, modifiedAt, linkName }: TarMember): string {
  const rights = `${rightsOf(mode >>> 6, mode & 0o4000, 's')}${rightsOf(mode >>> 3, mode & 0o2000, 's')}${rightsOf(mode, mode & 0o1000, 't')}`
  const time = new Date(modifiedAt * 1000)
  const at = Number.isNaN(time.getTime()) ? '?' : `${time.toISOString().slice(0, 19).replace('T', ' ')}Z`
  const link = type === '2' ? ` -> ${plain(linkName)}` : type === '1' ? ` link to ${plain(linkName)}` : ''
  const size = String(sizeBytes).padStart(12)
  return `${letters[type] ?? '-'}${rights} ${ownerId}/${groupId} ${size} ${at} ${plain(memberPath(name))}${link}`
}

/** @param special whether set-uid, set-gid or sticky stands where the right to run does */
function rightsOf(bits: number, special: number, letter: string): string {
  const runs = (bits & 1) !== 0
  const last = special === 0 ? (runs ? 'x' : '-') : runs ? letter : letter.toUpperCase()
  return `${(bits & 4) === 0 ? '-' : 'r'}${(bits & 2) === 0 ? '-' : 'w'}${last}`
}

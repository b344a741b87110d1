/** Where files of a container go: into a folder, or into a tar with all that it says of them. */
import type { FileHandle } from 'node:fs/promises'
import { chmod, link, mkdir, open, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { placedContent } from '../../../functions/archive-formats/proxmox/sparse-content.ts'
import { paddingOf } from '../../../functions/archive-formats/proxmox/tar.ts'
import type { TarMember } from '../../../functions/archive-formats/proxmox/tar-member.ts'
import { writeAll } from './disk-images.ts'

export interface MemberWriter {
  /** Returns why a member was left out; `undefined` when it was written. */
  write(member: TarMember, path: string, content: AsyncIterable<Buffer>): Promise<string | undefined>
  finish(): Promise<void>
}

/**
 * Regular files and folders, with their modes but for set-uid and the like, owned by who runs this. Nothing else is made, so
 * that no link in an archive leads a file out of the folder.
 */
export function folderWriter(folder: string): MemberWriter {
  const written = new Set<string>()
  return {
    async write(member, path, content) {
      if (path.split('/').some((step) => step === '..' || step.includes('\0'))) return 'its path leads elsewhere'
      const place = join(folder, path)
      if (member.type === '5') {
        await mkdir(place, { recursive: true })
        return undefined
      }
      if (member.type === '1') {
        const target = member.linkName.replace(/^(?:\.?\/)+/, '')
        if (!written.has(target)) return `it is a hard link to ${target}, which was not taken out`
        await mkdir(dirname(place), { recursive: true })
        await rm(place, { force: true })
        await link(join(folder, target), place)
        written.add(path)
        return undefined
      }
      if (!['0', '7', 'S'].includes(member.type)) return `it is ${kindOf(member)}, which only --tar keeps`
      await mkdir(dirname(place), { recursive: true })
      // A later member of the same name is the newer one.
      await rm(place, { force: true })
      const file = await open(place, 'wx')
      try {
        for await (const { offset, bytes } of placedContent(member, content)) await writeAll(file, bytes, offset)
        await file.truncate(member.sizeBytes)
      } finally {
        await file.close()
      }
      await chmod(place, member.mode & 0o777)
      written.add(path)
      return undefined
    },
    finish: async () => undefined,
  }
}

/** All as the archive has it: owners, modes, links, extended attributes, holes. */
export function tarWriter(file: FileHandle): MemberWriter {
  let end = 0
  const put = async (bytes: Buffer): Promise<void> => {
    await writeAll(file, bytes, end)
    end += bytes.length
  }
  const taken = new Set<string>()
  return {
    async write(member, path, content) {
      for (const block of member.head) await put(block)
      for await (const chunk of content) await put(chunk)
      await put(Buffer.alloc(paddingOf(member.storedBytes)))
      taken.add(path)
      const target = member.linkName.replace(/^(?:\.?\/)+/, '')
      return member.type === '1' && !taken.has(target)
        ? `it is a hard link to ${target}, which was not taken out: unpacking the tar fails for it`
        : undefined
    },
    // Two zero blocks are the end; GNU tar fills up to twenty.
    finish: () => {
      const left = 10_240 - (end % 10_240)
      return put(Buffer.alloc(left < 1_024 ? left + 10_240 : left))
    },
  }
}

const kinds: Readonly<Record<string, string>> = {
  '2': 'a symbolic link',
  '3': 'a device',
  '4': 'a device',
  '6': 'a named pipe',
}

function kindOf({ type }: TarMember): string {
  return kinds[type] ?? `something else (type ${JSON.stringify(type)})`
}

import type { GuestKind } from '../../contracts/nouns.ts'
import type { ArchiveFormat, Compression } from '../../contracts/verification.ts'

export interface ArchiveName {
  /** Absent where only the ending is that of an archive. */
  guest?: { kind: GuestKind; id: string }
  format: ArchiveFormat
  /** `other` is a compressor that the platform knows (bzip2) and this product can't read. */
  compression: Compression | 'other'
}

const guestShape = /^vzdump-(qemu|lxc|openvz)-(\d+)-/
const endingShape = /\.(?:(vma|tar)(?:\.(zst|gz|lzo|bz2))?|(tgz))$/

const compressionOf = { zst: 'zstd', gz: 'gzip', lzo: 'lzo', bz2: 'other' } as const

/**
 * What an archive's name says of it. A restore picks decompressor and restore tool by the name alone, so a name that
 * says something else than the bytes can't be restored. `undefined` for names that no archive has.
 */
export function readArchiveName(fileName: string): ArchiveName | undefined {
  const ending = endingShape.exec(fileName)
  if (ending === null) return undefined
  const [, format, suffix, tgz] = ending
  const [, kind, id] = guestShape.exec(fileName) ?? []
  const compression = suffix === undefined ? 'none' : compressionOf[suffix as keyof typeof compressionOf]
  return {
    ...(id === undefined ? {} : { guest: { kind: kind === 'qemu' ? 'vm' : 'container', id } }),
    format: format === 'vma' ? 'vma' : 'tar',
    compression: tgz === undefined ? compression : 'gzip',
  }
}

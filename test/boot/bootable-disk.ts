/** Disks that say whether they are whole: an ext4 with a marker, a file of data, and the checksums of both. */
import { execFileSync, spawnSync } from 'node:child_process'
import { createCipheriv, createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const MKE2FS = ['mke2fs', '/usr/sbin/mke2fs', '/sbin/mke2fs'].find((path) => spawnSync(path, ['-V']).status === 0)
export const missingForDisks = MKE2FS === undefined ? ['mke2fs'] : []

const DISK_BYTES = 8 * 2 ** 20
const DATA_BYTES = 3 * 2 ** 20
const BLOCK_BYTES = 4096

const sha256 = (bytes: Buffer | string): Buffer => createHash('sha256').update(bytes).digest()

export interface BootableDisk {
  bytes: Buffer
  /** Where a block of the file of data lies on the disk. */
  dataOffset: number
}

/** @param marker a word; disks of other markers hold other data too */
export function bootableDisk(marker: string): BootableDisk {
  if (MKE2FS === undefined) throw new Error('no mke2fs')
  const folder = mkdtempSync(join(tmpdir(), 'guestlift-disk-'))
  try {
    const [content, image] = [join(folder, 'content'), join(folder, 'image')]
    const noise = createCipheriv('aes-256-ctr', sha256(marker), Buffer.alloc(16))
    const data = noise.update(Buffer.alloc(DATA_BYTES))
    mkdirSync(content)
    for (const [name, bytes] of Object.entries({ marker: Buffer.from(marker), data })) {
      writeFileSync(join(content, name), bytes)
      writeFileSync(join(content, `${name}.sha256`), `${sha256(bytes).toString('hex')}\n`)
    }
    // With checksums over what the file system keeps of itself: it then notices damage there.
    const how = ['-q', '-t', 'ext4', '-O', 'metadata_csum', '-b', String(BLOCK_BYTES), '-m', '0', '-d', content]
    execFileSync(MKE2FS, [...how, image, String(DISK_BYTES / BLOCK_BYTES)], { stdio: 'pipe' })
    const bytes = readFileSync(image)
    const dataOffset = bytes.indexOf(data.subarray(-BLOCK_BYTES))
    if (dataOffset < 0) throw new Error('mke2fs put the data where nobody finds it')
    return { bytes, dataOffset }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Where ext4 keeps its UUID in the first superblock, which has a checksum. */
const UUID_OFFSET = 1024 + 0x68

/** What can become of a disk on its way, and what the guest then says of it. */
export const damages = {
  'with one changed bit in a file': {
    of: ({ bytes, dataOffset }: BootableDisk): Buffer => flipped(bytes, dataOffset),
    why: /^damaged: the data$/,
  },
  'with one changed bit in its superblock': {
    of: ({ bytes }: BootableDisk): Buffer => flipped(bytes, UUID_OFFSET),
    why: /^damaged: no file system: .*invalid superblock checksum/,
  },
  'that was cut to half its size': {
    of: ({ bytes }: BootableDisk): Buffer => bytes.subarray(0, bytes.length / 2),
    why: /^damaged: no file system: .*exceeds size of device/,
  },
  'that is all zeros': {
    of: ({ bytes }: BootableDisk): Buffer => Buffer.alloc(bytes.length),
    why: /^damaged: no file system: .*Can't find ext4 filesystem/,
  },
}

function flipped(bytes: Buffer, offset: number): Buffer {
  const changed = Buffer.from(bytes)
  changed.writeUInt8(changed.readUInt8(offset) ^ 1, offset)
  return changed
}

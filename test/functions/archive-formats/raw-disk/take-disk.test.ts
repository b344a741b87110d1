import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { NoSuchContent } from '../../../../functions/archive-formats/archive-bytes.ts'
import { Damage } from '../../../../functions/archive-formats/damage.ts'
import { takeDisk } from '../../../../functions/archive-formats/take-disk.ts'
import { VHD_FOOTER_BYTES } from '../../../../functions/archive-formats/raw-disk/vhd-footer.ts'
import { diskOf, MIB, packed } from './made-disks.ts'

const directory = mkdtempSync(join(tmpdir(), 'guestlift-vhd-'))
afterAll(() => rmSync(directory, { recursive: true }))

/** As qemu-img 7.2 writes it for Azure: geometry 65535/16/255, which says that the size field counts. */
function footerOf(sizeBytes: number): Buffer {
  const footer = Buffer.alloc(VHD_FOOTER_BYTES)
  footer.write('conectix', 0, 'latin1')
  footer.writeUInt32BE(2, 8)
  footer.writeUInt32BE(0x0001_0000, 12)
  footer.fill(0xff, 16, 24)
  footer.write('win ', 28, 'latin1')
  footer.write('Wi2k', 36, 'latin1')
  footer.writeBigUInt64BE(BigInt(sizeBytes), 40)
  footer.writeBigUInt64BE(BigInt(sizeBytes), 48)
  footer.writeUInt16BE(65_535, 56)
  footer.set([16, 255], 58)
  footer.writeUInt32BE(2, 60)
  return signed(footer)
}

function signed(footer: Buffer): Buffer {
  footer.writeUInt32BE(0, 64)
  footer.writeUInt32BE(~footer.reduce((sum, byte) => sum + byte, 0) >>> 0, 64)
  return footer
}

const disk = diskOf(['text', 'hole', 'random', 'zeros', ...Array.from({ length: 12 }, () => 'hole' as const)])
const plain = disk.bytes

async function archived(footer: Buffer, fileName = 'os-web1_OsDisk.vhd.zst') {
  const bytes = Buffer.concat([plain, footer])
  const tail = Math.floor(plain.length / disk.map.blockBytes)
  const map = { ...disk.map, sizeBytes: bytes.length, runs: [...disk.map.runs, [tail, 1] as [number, number]] }
  const { object } = await packed({ bytes, map })
  return {
    fileName,
    sizeBytes: object.length,
    stream: async function* () {
      yield object
    },
    read: async (firstByte: number, count: number) => Buffer.from(object.subarray(firstByte, firstByte + count)),
  }
}

async function taken(archive: Awaited<ReturnType<typeof archived>>, name = 'os-web1_OsDisk') {
  const target = Buffer.alloc(plain.length)
  let [opened, beyond, clusters] = [0, 0, 0]
  const result = await takeDisk(archive, name, async ({ sizeBytes }) => {
    opened = sizeBytes
    return {
      write: async (offset, bytes) => {
        beyond = Math.max(beyond, offset + bytes.length)
        bytes.copy(target, offset)
      },
      passed: async () => void (clusters += 1),
    }
  })
  return { target, opened, beyond, clusters, ...result }
}

describe('a disk out of the archive of a fixed VHD', () => {
  it('is the disk alone: the footer behind it is none of its bytes', async () => {
    const { target, opened, beyond, clusters, device } = await taken(await archived(footerOf(plain.length)))
    expect(target.equals(plain)).toBe(true)
    expect([opened, device.sizeBytes]).toEqual([plain.length, plain.length])
    expect(beyond).toBeLessThanOrEqual(plain.length)
    expect(clusters).toBe(plain.length / (64 * 1024))
  })

  it.each([
    ['has no mark', (footer: Buffer) => footer.fill(0)],
    ['is of another type', (footer: Buffer) => (footer.writeUInt32BE(3, 60), signed(footer))],
    ['has another checksum', (footer: Buffer) => footer.fill(1, 100, 101)],
    ['is of another size', () => footerOf(plain.length - MIB)],
  ])('is refused when what is behind it %s', async (_what, change) => {
    const footer = footerOf(plain.length)
    const archive = await archived(change(footer))
    await expect(taken(archive)).rejects.toThrow(Damage)
    await expect(taken(archive)).rejects.toThrow(/does not end with the footer of a fixed VHD/)
  })

  it('is refused as VHDX, with the commands that convert it', async () => {
    const archive = await archived(footerOf(plain.length), 'lun0-data.vhdx.zst')
    await expect(taken(archive, 'lun0-data')).rejects.toThrow(NoSuchContent)
    await expect(taken(archive, 'lun0-data')).rejects.toThrow(/qemu-img convert -f vhdx/)
  })

  it('is what qemu-img reads of its own VHD', async () => {
    if (spawnSync('qemu-img', ['--version']).status !== 0) {
      console.warn('skipped: no qemu-img')
      return
    }
    const [raw, vhd] = [join(directory, 'disk.raw'), join(directory, 'disk.vhd')]
    writeFileSync(raw, plain)
    const made = spawnSync('qemu-img', ['convert', '-O', 'vpc', '-o', 'subformat=fixed,force_size=on', raw, vhd])
    expect(made.status).toBe(0)
    const file = readFileSync(vhd)
    const footer = file.subarray(file.length - VHD_FOOTER_BYTES)
    expect((await taken(await archived(Buffer.from(footer)))).target.equals(plain)).toBe(true)
    // Ours is one that qemu reads, too.
    writeFileSync(vhd, Buffer.concat([plain, footerOf(plain.length)]))
    expect(spawnSync('qemu-img', ['compare', '-f', 'raw', '-F', 'vpc', raw, vhd]).status).toBe(0)
  })
})

import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ByteCursor } from '../../../functions/archive-formats/byte-cursor.ts'
import { extractDisk } from '../../../functions/archive-formats/proxmox/extract-disk.ts'
import { visitFiles } from '../../../functions/archive-formats/proxmox/extract-files.ts'
import type { ArchiveBytes } from '../../../functions/archive-formats/archive-bytes.ts'
import { RangeCursor } from '../../../functions/archive-formats/range-cursor.ts'
import { inChunks, vma } from './proxmox/made-archives.ts'

/** Bytes to read from, and how many were read. */
function counted(content: Buffer) {
  const tally = { bytes: 0, requests: 0 }
  const read = async (firstByte: number, bytes: number): Promise<Buffer> => {
    if (bytes < 1 || firstByte < 0 || firstByte + bytes > content.length) throw new RangeError(`${firstByte}, ${bytes}`)
    tally.bytes += bytes
    tally.requests += 1
    return content.subarray(firstByte, firstByte + bytes)
  }
  const stream = (): AsyncIterable<Buffer> => {
    throw new Error('the whole archive was asked for')
  }
  const bytes: ArchiveBytes = { fileName: 'a', sizeBytes: content.length, read, stream }
  return { tally, read, bytes }
}

/** A tar of files with these sizes and one configuration, by hand. */
function tarOf(sizes: readonly number[]): Buffer {
  const header = (name: string, size: number): Buffer => {
    const block = Buffer.alloc(512)
    block.write(name, 0)
    block.write('0000644\0', 100)
    block.write(`${size.toString(8).padStart(11, '0')}\0`, 124)
    block.write('0', 156)
    block.fill(0x20, 148, 156)
    const sum = block.reduce((all, byte) => all + byte, 0)
    block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
    return block
  }
  const files = sizes.flatMap((size, at) => [header(`./f${at}`, size), Buffer.alloc(Math.ceil(size / 512) * 512)])
  return Buffer.concat([...files, Buffer.alloc(10_240)])
}

describe('reading by ranges', () => {
  it('gives the same bytes as reading through, wherever one jumps', async () => {
    const content = Buffer.from(Array.from({ length: 400_000 }, (_, at) => (at * 7 + (at >>> 8)) & 0xff))
    const step = fc.record({ skip: fc.boolean(), bytes: fc.nat(250_000) })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const ranges = new RangeCursor(counted(content).read, content.length)
        const through = new ByteCursor(inChunks(content, 10_000))
        for (const { skip, bytes } of steps) {
          const [ours, theirs] = skip
            ? [await ranges.skip(bytes), await through.skip(bytes)]
            : [(await ranges.take(bytes)).toString('hex'), (await through.take(bytes)).toString('hex')]
          expect(ours).toBe(theirs)
          expect(ranges.offset).toBe(through.offset)
        }
      }),
    )
  })

  it('passes over the large files of a container, and reads on through small ones in few requests', async () => {
    const large = counted(tarOf([5_000_000, 5, 5_000_000, 5_000_000]))
    const seen: string[] = []
    const visit = async ({ name }: { name: string }) => void seen.push(name)
    await visitFiles(large.bytes, { visit })
    expect(seen).toEqual(['./f0', './f1', './f2', './f3'])
    expect(large.tally.bytes).toBeLessThan(1_000_000)
    const small = counted(tarOf(Array.from({ length: 2_000 }, () => 3_000)))
    await visitFiles(small.bytes, { visit: async () => undefined })
    // 7 MB: 128 KiB, then twice as much each time.
    expect(small.tally.requests).toBeLessThan(10)
  })

  it('takes a disk among others without all of the archive', async () => {
    const archive = counted(await vma({ clusters: 800 }))
    const written = { bytes: 0 }
    await extractDisk(archive.bytes, 'efidisk0', async () => ({
      write: async (_offset, bytes) => void (written.bytes += bytes.length),
    }))
    expect(written.bytes).toBeGreaterThan(50_000)
    expect(archive.tally.bytes).toBeLessThan(archive.bytes.sizeBytes / 2)
  })
})

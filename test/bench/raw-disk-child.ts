/** One act on the archive of a disk, as a process of its own to be measured. Prints one line of JSON. */
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import { readArchive } from '../../functions/archive-formats/formats.ts'
import { rawDiskEncoder } from '../../functions/archive-formats/raw-disk/encoder.ts'
import { unpack } from '../../functions/archive-formats/raw-disk/unpack.ts'
import type { PartRecord } from '../../functions/contracts/disk-archive.ts'
import { planDisk } from '../../functions/domain/encoding/disk-plan.ts'
import { Scratch } from '../../functions/domain/encoding/part-encoder.ts'

const BLOCK_BYTES = 512 * 1024
const [act = '', from = '', to = '', writtenBytes = ''] = process.argv.slice(2)

/** One part after the other, as one lane of a function does. What is written lies at the disk's beginning. */
async function pack(): Promise<object> {
  const [source, target] = [await open(from), await open(to, 'w')]
  const { size: sizeBytes } = await source.stat()
  const runs: [number, number][] = [[0, Number(writtenBytes) / BLOCK_BYTES]]
  const map = { version: 1 as const, sizeBytes, blockBytes: BLOCK_BYTES, runs }
  const plan = planDisk({ sourceRef: 'bench', sizeBytes, map })
  const encoder = rawDiskEncoder(plan, map)
  const read = async (position: number, content: Buffer): Promise<number> => {
    await source.read(content, 0, content.length, position)
    return crc32(content)
  }
  const scratch = new Scratch()
  const records = new Map<number, PartRecord>()
  const parts: { partNumber: number; sizeBytes: number; crc32: number }[] = []
  for (let part = 1; part <= encoder.sourceParts; part += 1) {
    const { slices, record, sizeBytes: bytes, crc32: sum } = await encoder.encode(part, read, scratch)
    for (const slice of slices) await target.write(slice)
    if (record !== undefined) records.set(part, record)
    parts.push({ partNumber: part, sizeBytes: bytes, crc32: sum })
  }
  const assembly = encoder.assemble(parts, records)
  if ('missing' in assembly) throw new Error(`missing: ${JSON.stringify(assembly.missing)}`)
  for (const { slices } of assembly.closing) for (const slice of slices) await target.write(slice)
  await target.close()
  await source.close()
  return { sizeBytes: assembly.object.sizeBytes, parts: encoder.partCount, frames: assembly.content?.frames }
}

const chunks = (): AsyncIterable<Buffer> => createReadStream(from, { highWaterMark: 2 ** 20 })

async function unpackAll(): Promise<object> {
  let sizeBytes = 0
  for await (const piece of unpack(chunks())) sizeBytes += piece.sizeBytes
  return { sizeBytes }
}

async function verify(): Promise<object> {
  const { result, evidence } = await readArchive(chunks(), { fileName: 'bench.raw.zst' })
  if (result !== 'accepted') throw new Error(result)
  return { sizeBytes: evidence.contentBytes }
}

const acts: Record<string, () => Promise<object>> = {
  pack,
  unpack: unpackAll,
  verify,
  /** What loading all this takes. */
  nothing: async () => ({}),
}
console.log(JSON.stringify(await acts[act]?.()))

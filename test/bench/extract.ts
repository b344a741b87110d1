/**
 * `node test/bench/extract.ts`: what taking one file out of a container's archive reads, with and without its index, and
 * what walking its headers by ranges would read when it was just stored. A made-up container; no time is measured.
 */
import { crc32, zstdCompressSync } from 'node:zlib'
import { Command } from 'commander'
import { pack } from 'tar-stream'
import { Findings } from '../../functions/archive-formats/damage.ts'
import { visitFiles, visitFilesByIndex } from '../../functions/archive-formats/proxmox/extract-files.ts'
import { filePattern, memberPath } from '../../functions/archive-formats/proxmox/file-patterns.ts'
import { walkTar } from '../../functions/archive-formats/proxmox/tar.ts'
import { RangeCursor } from '../../functions/archive-formats/range-cursor.ts'
import { contentIndexKey } from '../../functions/domain/books/object-keys.ts'
import { crc32ToBase64 } from '../../functions/domain/transfer/crc32.ts'
import { verifyDeep } from '../../functions/operations/verification/verify-deep.ts'
import { readObject } from '../../functions/operations/verification/read-object.ts'
import type { ArchiveSource } from '../../local/cli/extract/archive-source.ts'
import { findByIndex } from '../../local/cli/extract/open-index.ts'
import { manifestOf } from '../fakes/manifest.ts'
import { MemoryStore } from '../fakes/memory-store.ts'

const { files, large } = new Command()
  .option('--files <n>', 'small files, of 1 to 16 KiB', Number, 10_000)
  .option('--large <n>', 'files of 16 MiB', Number, 20)
  .parse()
  .opts<{ files: number; large: number }>()

/** Half random, so that a compressor has something to do. */
function content(bytes: number, seed: number): Buffer {
  const made = Buffer.alloc(bytes)
  let state = seed + 1
  for (let at = 0; at + 4 <= bytes; at += 8) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    made.writeUInt32LE(state, at)
  }
  return made
}

async function makeTar(): Promise<Buffer> {
  const tar = pack()
  const parts: Buffer[] = []
  const taken = (async () => {
    for await (const part of tar as AsyncIterable<Buffer>) parts.push(part)
  })()
  const add = (name: string, body: Buffer) => tar.entry({ name, mtime: new Date(1_795_312_800_000) }, body)
  add('./etc/vzdump/pct.conf', Buffer.from('arch: amd64\nhostname: db1\n'))
  for (let at = 0; at < files; at += 1) {
    const folder = `./usr/share/${String(Math.floor(at / 50)).padStart(4, '0')}`
    add(`${folder}/${at}.txt`, content(1_024 + ((at * 7_919) % 15_360), at))
    if (at === Math.floor(files / 2)) {
      add('./etc/hostname', Buffer.from('db1\n'))
      for (let one = 0; one < large; one += 1) add(`./var/lib/db/${one}`, content(16 * 2 ** 20, one))
    }
  }
  tar.finalize()
  await taken
  return Buffer.concat(parts)
}

const folder = 'archives/hq/container-101/2026-11-22T02-00-07Z/'
const tar = await makeTar()

console.log(`${files} files of 1 to 16 KiB and ${large} of 16 MiB: ${(tar.length / 2 ** 20).toFixed(0)} MiB of tar`)
console.log('compression | what | MiB read | requests | of the archive')
for (const compression of ['none', 'zstd'] as const) {
  const body = compression === 'none' ? tar : zstdCompressSync(tar)
  const fileName = `vzdump-lxc-101-2026_11_22-03_00_07.tar${compression === 'none' ? '' : '.zst'}`
  const key = `${folder}${fileName}`
  const store = new MemoryStore()
  const etag = String(crc32(body))
  store.objects.set(key, { body, etag })
  const guest = { id: '101', kind: 'container', name: 'db1', node: 'pve1' } as const
  const manifest = manifestOf('2026-11-22T02:00:07.000Z', [body.length], guest)
  const checksum = `CRC32:${crc32ToBase64(crc32(body))}`
  const artifacts = manifest.artifacts.map((one) => ({ ...one, key, fileName, checksum }))
  await store.writeText(`${folder}manifest.json`, JSON.stringify({ ...manifest, artifacts, sideFiles: [] }))
  const asked = { bytes: 0, requests: 0 }
  const readRange = store.readRange.bind(store)
  store.readRange = (from, range) => {
    asked.bytes += range.lastByte - range.firstByte + 1
    asked.requests += 1
    return readRange(from, range)
  }
  const bytesOf = async (of: string) => {
    const object = await store.head(of)
    if (object === undefined) throw new Error(`there is no ${of}`)
    const read = (firstByte: number, bytes: number) =>
      store.readRange(of, { firstByte, lastByte: firstByte + bytes - 1, etag: object.etag })
    return { sizeBytes: object.sizeBytes, read }
  }
  const source: ArchiveSource = {
    ...(await bytesOf(key)),
    place: key,
    fileName,
    etag,
    stream: () => readObject(store, key, { sizeBytes: body.length, etag }),
    index: () => bytesOf(contentIndexKey(key)),
    close: async () => undefined,
  }
  const row = async (what: string, work: () => Promise<unknown>) => {
    Object.assign(asked, { bytes: 0, requests: 0 })
    await work()
    const share = asked.bytes / body.length
    console.log(
      `${compression} | ${what} | ${(asked.bytes / 2 ** 20).toFixed(2)} | ${asked.requests} | ${share.toPrecision(2)}`,
    )
  }
  const pattern = filePattern('etc/hostname')
  const found: string[] = []
  const visitor = {
    async visit({ name }: { name: string }) {
      if (pattern.fits(memberPath(name))) found.push(name)
    },
  }
  const verification = await verifyDeep(folder, {
    store,
    keyPrefix: '',
    toolVersion: 'guestlift/bench',
    now: () => new Date('2026-11-24T00:00:00.000Z'),
    remainingMilliseconds: () => Number.POSITIVE_INFINITY,
  })
  if (verification.result !== 'accepted') throw new Error(verification.findings[0]?.message)
  const { sizeBytes } = await bytesOf(contentIndexKey(key))
  console.log(`${compression} | its index: ${sizeBytes} bytes, ${(sizeBytes / files).toFixed(1)} for each file`)
  await row('one file without its index', () => visitFiles(source, visitor))
  await row('one file by its index', async () => {
    const members = (await findByIndex(source, [pattern]))?.members ?? []
    if (members.length !== 1) throw new Error('the index does not hold it')
    await visitFilesByIndex(source, members, visitor)
  })
  if (found.length !== 2) throw new Error('the file was not found both times')
  if (compression === 'none') {
    await row('all headers, by ranges', () => walkTar(new RangeCursor(source.read, source.sizeBytes), new Findings()))
  }
}

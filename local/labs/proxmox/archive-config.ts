/** The guest configuration inside an archive, read without unpacking the rest. */
import { pipeline } from 'node:stream/promises'
import { extract } from 'tar-stream'
import { failure } from './api-error.ts'
import { unpacked } from './restore/unpack.ts'

async function fromTar(path: string): Promise<string | undefined> {
  const reader = extract()
  let text: string | undefined
  const done = new AbortController()
  reader.on('entry', (entry, stream, next) => {
    const chunks: Buffer[] = []
    stream.on('data', (chunk) => {
      if (entry.name === './etc/vzdump/pct.conf' && Buffer.isBuffer(chunk)) chunks.push(chunk)
    })
    stream.on('end', () => {
      if (entry.name === './etc/vzdump/pct.conf') {
        text = Buffer.concat(chunks).toString('utf8')
        done.abort()
      } else next()
    })
  })
  await pipeline(unpacked(path), reader, { signal: done.signal }).catch(() => undefined)
  return text
}

async function fromVma(path: string): Promise<string> {
  let head = Buffer.alloc(0)
  try {
    for await (const chunk of unpacked(path)) {
      head = Buffer.concat([head, chunk])
      if (head.length >= 65_536) break
    }
  } catch {
    // Judged by what could be read.
  }
  if (head.length < 12_288 || head.toString('latin1', 0, 4) !== 'VMA\0') {
    throw failure('Failed to extract config from VMA archive: not a vma file - wrong magic number\n')
  }
  const blobs = head.readUInt32BE(48)
  const at = blobs + head.readUInt32BE(3068)
  return head.toString('utf8', at + 2, at + 2 + head.readUInt16LE(at))
}

/** @throws ApiError 500 when the file is no archive of its kind */
export async function readArchiveConfig(path: string): Promise<string> {
  if (/\.vma(\.\w+)?$/.test(path)) return await fromVma(path)
  const text = await fromTar(path)
  if (text === undefined) throw failure('ERROR: archive contains no configuration file')
  return text
}

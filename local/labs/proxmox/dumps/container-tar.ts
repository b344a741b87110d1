/** A container's archive: GNU tar with the guest's configuration first, then its root file system. */
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { pack } from 'tar-stream'
import { fillCompressible, fillRandom, mixSeed } from './random.ts'

export interface ContainerContent {
  hostname: string
  /** pct.conf as restored from the archive. */
  config: string
  /** Bytes of data files beside the handful that every root file system has. */
  dataBytes: number
  compressible: number
  seed: number
  mtime: Date
  /** Included mount points: `/data` → `./data/…`. */
  mountPoints: string[]
  /** A file with the members of its file system, as a restore keeps them, in place of what follows from the seed. */
  members?: string
}

const CHUNK_BYTES = 65_536
const FILE_BYTES = 1024 * 1024
/** GNU tar writes records of twenty 512-byte blocks and fills up the last one. */
const RECORD_BYTES = 10_240

interface Directory {
  name: string
  mode?: number
}

const DIRECTORIES: Directory[] = [
  { name: './' },
  { name: './bin/' },
  { name: './etc/' },
  { name: './home/' },
  { name: './root/', mode: 0o700 },
  { name: './srv/' },
  { name: './tmp/', mode: 0o1777 },
  { name: './usr/' },
  { name: './var/' },
  { name: './var/lib/' },
  { name: './var/lib/data/' },
]

const SMALL_FILES = (hostname: string): Record<string, string> => ({
  './etc/hostname': `${hostname}\n`,
  './etc/hosts': `127.0.0.1 localhost\n127.0.1.1 ${hostname}\n`,
  './etc/os-release': 'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nID=debian\nVERSION_ID="13"\n',
  './etc/passwd': 'root:x:0:0:root:/root:/bin/bash\nwww-data:x:33:33:www-data:/var/www:/usr/sbin/nologin\n',
  './root/.profile': 'umask 022\n',
})

/** The tar's bytes as a stream; its length is a multiple of 10,240. */
export async function* writeContainerTar(content: ContainerContent): AsyncGenerator<Buffer> {
  let bytes = 0
  for await (const chunk of content.members === undefined ? made(content) : kept(content, content.members)) {
    bytes += chunk.length
    yield chunk
  }
  const rest = bytes % RECORD_BYTES
  if (rest > 0) yield Buffer.alloc(RECORD_BYTES - rest)
}

async function* made(content: ContainerContent): AsyncGenerator<Buffer> {
  const tar = pack()
  const filled = fill(tar, content)
  // An error while filling ends the loop below through the stream; nobody else awaits this promise until then.
  filled.catch((error: unknown) => tar.destroy(error instanceof Error ? error : new Error(String(error))))
  yield* tar as AsyncIterable<Buffer>
  await filled
}

/** A tar's end is marked by two blocks of zeroes. */
const END_MARK = Buffer.alloc(1024)

/** The configuration in front, then the members as they were kept. */
async function* kept({ config, mtime }: ContainerContent, members: string): AsyncGenerator<Buffer> {
  const tar = pack()
  addConfiguration(tar, config, mtime)
  tar.finalize()
  const chunks: Buffer[] = []
  for await (const chunk of tar as AsyncIterable<Buffer>) chunks.push(chunk)
  yield Buffer.concat(chunks).subarray(0, -END_MARK.length)
  yield* createReadStream(members, { highWaterMark: FILE_BYTES }) as AsyncIterable<Buffer>
  yield END_MARK
}

function addConfiguration(tar: ReturnType<typeof pack>, config: string, mtime: Date): void {
  const header = { mtime, mode: 0o644, uname: '', gname: '' }
  tar.entry({ name: './etc/vzdump/pct.conf', ...header }, config)
  tar.entry({ name: './etc/vzdump/pct.fw', ...header }, '')
}

async function fill(tar: ReturnType<typeof pack>, content: ContainerContent): Promise<void> {
  const { mtime } = content
  const small = (name: string, text: string): void => {
    tar.entry({ name, mtime, mode: 0o644, uname: '', gname: '' }, text)
  }
  addConfiguration(tar, content.config, mtime)
  for (const { name, mode = 0o755 } of DIRECTORIES) tar.entry({ name, type: 'directory', mode, mtime })
  for (const [name, text] of Object.entries(SMALL_FILES(content.hostname))) small(name, text)
  tar.entry({ name: './bin/sh', type: 'symlink', linkname: 'dash', mode: 0o777, mtime })
  for (const point of content.mountPoints) tar.entry({ name: `.${point}/`, type: 'directory', mode: 0o755, mtime })
  for (let from = 0, number = 0; from < content.dataBytes; from += FILE_BYTES, number += 1) {
    const size = Math.min(FILE_BYTES, content.dataBytes - from)
    const isText = (mixSeed(content.seed, number) % 1000) / 1000 < content.compressible
    const name = `./var/lib/data/${String(number).padStart(4, '0')}.${isText ? 'log' : 'bin'}`
    const entry = tar.entry({ name, size, mtime, mode: 0o640 })
    for (let done = 0; done < size; done += CHUNK_BYTES) {
      const chunk = Buffer.alloc(Math.min(CHUNK_BYTES, size - done))
      const seed = mixSeed(content.seed, number, done)
      if (isText) fillCompressible(chunk, seed)
      else fillRandom(chunk, seed)
      if (!entry.write(chunk)) await once(entry, 'drain')
    }
    const finished = once(entry, 'finish')
    entry.end(undefined)
    await finished
  }
  tar.finalize()
}

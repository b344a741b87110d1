/**
 * `node test/bench/catalogue.ts`: the commands that read the bucket, over hundreds of thousands of archives in the
 * embedded S3. Prints for each its time, its CPU time, its peak memory and its requests with their price; each command
 * runs with a heap too small for a catalogue that is held in memory.
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import type { IndexedArchive } from '../../functions/contracts/catalogue.ts'
import { archiveFolder, catalogueIndexKey, manifestKey } from '../../functions/domain/books/object-keys.ts'
import { readManifestFacts } from '../../functions/domain/catalogue/manifest-facts.ts'
import { folderName, indexText } from '../../functions/operations/catalogue/catalogue-index.ts'
import type { Guest } from '../../functions/contracts/nouns.ts'
import { bucketPaths, keyRecordPath } from '../../local/s3/store/layout.ts'
import type { KeyRecord } from '../../local/s3/store/records.ts'
import { manifestOf } from '../fakes/manifest.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const BUCKET = 'archives'
const DAY = 86_400_000
/** Of Linux, whatever the kernel's own clock does (`getconf CLK_TCK`). */
const TICKS_PER_SECOND = 100

const program = new Command()
  .option('--archives <n>', 'how many', Number, 200_000)
  .option('--guests <n>', 'of how many guests', Number, 2000)
  .option('--heap <MiB>', 'heap that each command may have', Number, 256)
  .option('--only <command>', 'measure this one; the index is laid out with the archives, and not rebuilt first')
  .option('--dir <dir>', 'where the bucket is made (a fresh folder in the temporary one unless told)')
  .parse()
const options = program.opts<{ archives: number; guests: number; heap: number; only?: string; dir?: string }>()
const directory = mkdtempSync(join(options.dir ?? tmpdir(), 'guestlift-catalogue-bench-'))
const now = Date.now()

/** Put an object where the embedded S3 finds it when it starts: 200,000 PUTs would measure its disk, not us. */
function place(key: string, text: string | undefined, sizeBytes: number): void {
  const paths = bucketPaths(directory, BUCKET)
  const record: KeyRecord = {
    key,
    versions: [
      {
        versionId: 'null',
        lastModified: new Date(now).toISOString(),
        sizeBytes,
        etag: createHash('md5')
          .update(text ?? key)
          .digest('hex'),
        bodyId: createHash('md5').update(key).digest('hex'),
        place: 'key',
        headers: [],
        metadata: [],
        tags: [],
        storageClass: 'STANDARD',
        encryption: { algorithm: 'AES256' },
      },
    ],
  }
  write(keyRecordPath(paths, key), JSON.stringify(record))
  if (text !== undefined) write(join(paths.objects, key), text)
}

const made = new Set<string>()
function write(path: string, text: string): void {
  const folder = dirname(path)
  if (!made.has(folder)) mkdirSync(folder, { recursive: true })
  made.add(folder)
  writeFileSync(path, text)
}

/**
 * An archive and its manifest. Nobody reads the archive's own bytes, so that its record alone is there. Returns what the
 * index says of it.
 */
function placeArchive(guest: Guest, createdAt: string, sizeBytes: number): IndexedArchive[] {
  const folder = archiveFolder('', 'hq', guest, createdAt)
  const manifest = manifestOf(createdAt, [sizeBytes], guest)
  const artifacts = manifest.artifacts.map((artifact) => ({ ...artifact, key: `${folder}${artifact.fileName}` }))
  for (const { key } of artifacts) place(key, undefined, sizeBytes)
  const text = `${JSON.stringify({ ...manifest, artifacts }, null, 2)}\n`
  place(manifestKey(folder), text, Buffer.byteLength(text))
  if (options.only === undefined) return []
  const keyedAt = `${createdAt.slice(0, 19)}.000Z`
  const facts = readManifestFacts(text, { site: 'hq', guest, keyedAt })
  if ('unreadable' in facts) throw new Error(facts.unreadable)
  const manifestEtag = `"${createHash('md5').update(text).digest('hex')}"`
  return [{ folder: folderName({ folder }), manifestEtag, facts }]
}

function fill(): void {
  const each = Math.ceil(options.archives / options.guests)
  let indexed: IndexedArchive[] = []
  for (let at = 0; at < options.archives; at++) {
    const index = Math.floor(at / each)
    const id = String(100 + index)
    const guest: Guest = { id, kind: index % 3 === 0 ? 'container' : 'vm', name: `guest-${id}`, node: 'pve1' }
    const createdAt = new Date(now - (each - (at % each)) * DAY).toISOString()
    indexed.push(...placeArchive(guest, createdAt, 6e9 + at))
    if ((at + 1) % each > 0 && at + 1 < options.archives) continue
    const text = indexText('hq', guest, indexed)
    if (indexed.length > 0) place(catalogueIndexKey('', 'hq', guest), text, Buffer.byteLength(text))
    indexed = []
  }
}

async function startServer(): Promise<{ url: string; stop: () => void }> {
  const words = ['--dir', directory, '--access-key', 'key', '--secret-key', 'secret', '--bucket', BUCKET]
  const child = spawn(process.execPath, [join(root, 'local/s3/main.ts'), ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line]: unknown[] = await once(createInterface(child.stdout), 'line')
  const { url } = JSON.parse(String(line)) as { url: string }
  return { url, stop: () => child.kill('SIGTERM') }
}

/** Run a command to its end and print what it took. */
async function measure(url: string, ...words: string[]): Promise<void> {
  if (options.only !== undefined && !words.join(' ').startsWith(options.only)) return
  const started = performance.now()
  const flags = [`--max-old-space-size=${options.heap}`, join(root, 'bin/guestlift.ts')]
  const child = spawn(process.execPath, [...flags, ...words, '--bucket', BUCKET, '--s3', url], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NO_COLOR: '1', AWS_ACCESS_KEY_ID: 'key', AWS_SECRET_ACCESS_KEY: 'secret' },
  })
  let peakKiB = 0
  let cpuTicks = 0
  const watch = setInterval(() => {
    try {
      const [, kib = '0'] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8')) ?? []
      peakKiB = Math.max(peakKiB, Number(kib))
      // Fields 14 and 15 of proc(5): in user and in kernel mode. The name before them may hold spaces.
      const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8')
        .replace(/^.*\) /, '')
        .split(' ')
      cpuTicks = Number(fields[11]) + Number(fields[12])
    } catch {
      // It has just ended.
    }
  }, 100)
  let tail = ''
  let bytes = 0
  child.stdout.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    tail = (tail + chunk.toString()).slice(-400)
  })
  child.stderr.on('data', (chunk: Buffer) => (tail += chunk.toString()))
  const [code]: unknown[] = await once(child, 'close')
  clearInterval(watch)
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  const memory = `peak ${(peakKiB / 1024).toFixed(0)} MiB`
  const cpu = `${(cpuTicks / TICKS_PER_SECOND).toFixed(1)} s of CPU`
  console.log(`\n${words.join(' ')}: exit ${String(code)}, ${seconds} s, ${cpu}, ${memory}, ${bytes} bytes of output`)
  for (const line of tail.trimEnd().split('\n').slice(-3)) console.log(`  ${line}`)
}

try {
  const started = performance.now()
  fill()
  console.log(
    `${options.archives} archives of ${options.guests} guests laid out in ${((performance.now() - started) / 1000).toFixed(0)} s; heap of each command: ${options.heap} MiB`,
  )
  const server = await startServer()
  try {
    const page = join(directory, 'page.html')
    await measure(server.url, 'catalog', 'rebuild')
    await measure(server.url, 'list')
    await measure(server.url, 'coverage', '--every', '2d')
    await measure(server.url, 'catalog', 'page', '--out', page)
    if (existsSync(page)) console.log(`  the page has ${(statSync(page).size / 2 ** 20).toFixed(1)} MiB`)
    await measure(server.url, 'show', '500')
    // The dry run: it reads and decides all that a removal would.
    await measure(server.url, 'prune', '--site', 'hq', '--keep-last', '14', '--keep-weekly', '12')
  } finally {
    server.stop()
  }
} finally {
  rmSync(directory, { recursive: true, force: true })
}

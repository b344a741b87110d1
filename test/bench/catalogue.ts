/**
 * `node test/bench/catalogue.ts`: the commands that read the bucket, over hundreds of thousands of archives in the
 * embedded S3. Prints for each its time, its CPU time, its peak memory and its requests with their price; each command
 * runs with a heap too small for a catalogue that is held in memory.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import type { IndexedArchive } from '../../functions/contracts/catalogue.ts'
import { archiveFolder, catalogueIndexKey, manifestKey } from '../../functions/domain/books/object-keys.ts'
import { readManifestFacts } from '../../functions/domain/catalogue/manifest-facts.ts'
import { folderName, indexText } from '../../functions/operations/catalogue/catalogue-index.ts'
import type { Guest } from '../../functions/contracts/nouns.ts'
import { manifestOf } from '../fakes/manifest.ts'
import { measure, PlacedBucket, startServer } from './placed-bucket.ts'

const DAY = 86_400_000

const program = new Command()
  .option('--archives <n>', 'how many', Number, 200_000)
  .option('--guests <n>', 'of how many guests', Number, 2000)
  .option('--heap <MiB>', 'heap that each command may have', Number, 256)
  .option('--only <command>', 'measure this one; the index is laid out with the archives, and not rebuilt first')
  .option('--dir <dir>', 'where the bucket is made (a fresh folder in the temporary one unless told)')
  .parse()
const options = program.opts<{ archives: number; guests: number; heap: number; only?: string; dir?: string }>()
const directory = mkdtempSync(join(options.dir ?? tmpdir(), 'guestlift-catalogue-bench-'))
const bucket = new PlacedBucket(directory)
const now = Date.now()

/**
 * An archive and its manifest. Nobody reads the archive's own bytes, so that its record alone is there. Returns what the
 * index says of it.
 */
function placeArchive(guest: Guest, createdAt: string, sizeBytes: number): IndexedArchive[] {
  const folder = archiveFolder('', 'hq', guest, createdAt)
  const manifest = manifestOf(createdAt, [sizeBytes], guest)
  const artifacts = manifest.artifacts.map((artifact) => ({ ...artifact, key: `${folder}${artifact.fileName}` }))
  for (const { key } of artifacts) bucket.place(key, undefined, sizeBytes)
  const text = `${JSON.stringify({ ...manifest, artifacts }, null, 2)}\n`
  bucket.place(manifestKey(folder), text)
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
    if (indexed.length > 0) bucket.place(catalogueIndexKey('', 'hq', guest), text)
    indexed = []
  }
}

/** One of the commands, unless another one alone was asked for. */
async function measureAsked(url: string, ...words: string[]): Promise<void> {
  if (options.only === undefined || words.join(' ').startsWith(options.only)) await measure(url, options.heap, words)
}

try {
  const started = performance.now()
  fill()
  console.log(
    `${options.archives} archives of ${options.guests} guests laid out in ${((performance.now() - started) / 1000).toFixed(0)} s; heap of each command: ${options.heap} MiB`,
  )
  const server = await startServer(directory)
  try {
    const page = join(directory, 'page.html')
    await measureAsked(server.url, 'catalog', 'rebuild')
    await measureAsked(server.url, 'list')
    await measureAsked(server.url, 'coverage', '--every', '2d')
    await measureAsked(server.url, 'catalog', 'page', '--out', page)
    if (existsSync(page)) console.log(`  the page has ${(statSync(page).size / 2 ** 20).toFixed(1)} MiB`)
    await measureAsked(server.url, 'show', '500')
    // The dry run: it reads and decides all that a removal would.
    await measureAsked(server.url, 'prune', '--site', 'hq', '--keep-last', '14', '--keep-weekly', '12')
  } finally {
    server.stop()
  }
} finally {
  rmSync(directory, { recursive: true, force: true })
}

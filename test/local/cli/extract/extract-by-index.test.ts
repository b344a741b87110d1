/** `guestlift extract` by the index that a verification leaves, over real sockets, judged by tar. */
import { execFileSync, spawnSync } from 'node:child_process'
import {
  chmodSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { ArchiveStore } from '../../../../functions/aws/archive-store.ts'
import { createS3Client } from '../../../../functions/aws/s3-client.ts'
import { S3ArchiveStore } from '../../../../functions/aws/s3-archive-store.ts'
import { contentIndexKey } from '../../../../functions/domain/books/object-keys.ts'
import { verifyDeep } from '../../../../functions/operations/verification/verify-deep.ts'
import { compress, type Compressor, EXTENSION } from '../../../../local/labs/proxmox/dumps/compress.ts'
import { type S3Server, startS3 } from '../../../../local/s3/server.ts'
import { type LabArchive, putLabArchive } from '../../../fakes/lab-archives.ts'
import { guestlift as run } from '../command-line.ts'

let work: string
let here: string
let server: S3Server
let store: S3ArchiveStore
let count = 0

beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'guestlift-index-'))
  mkdirSync(join(work, 's3'))
  server = await startS3({
    directory: join(work, 's3'),
    accessKeyId: 'key',
    secretAccessKey: 'secret',
    buckets: ['archives'],
  })
  const credentials = { accessKeyId: 'key', secretAccessKey: 'secret' }
  const client = createS3Client({ endpoint: server.url, region: 'us-east-1', credentials })
  store = new S3ArchiveStore(client, 'archives', { sleep: async () => undefined, random: () => 0 })
})
afterAll(async () => {
  await server.close()
  await rm(work, { recursive: true, force: true })
})
beforeEach(async () => {
  here = await mkdtemp(join(work, 'here-'))
})

const env = () => ({
  PATH: process.env['PATH'],
  HOME: work,
  NO_COLOR: '1',
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_ACCESS_KEY_ID: 'key',
  AWS_SECRET_ACCESS_KEY: 'secret',
  AWS_REGION: 'us-east-1',
})
const extract = (...words: string[]) => run(['extract', ...words], { env: env(), cwd: here })
const fromBucket = (...words: string[]) => extract(...words, '--bucket', 'archives', '--s3', server.url)

/** A container's files; content in pieces at their places, holes between them. */
type Tree = Record<string, string | { link: string } | { hard: string } | { sparseBytes: number; at: number }>

function makeTar(tree: Tree, flags: readonly string[] = []): Buffer {
  const root = join(here, `root-${(count += 1)}`)
  const all: Tree = { 'etc/vzdump/pct.conf': 'arch: amd64\nhostname: db1\n', ...tree }
  for (const [path, what] of Object.entries(all)) {
    const place = join(root, path)
    mkdirSync(dirname(place), { recursive: true })
    if (typeof what === 'string') writeFileSync(place, what)
    else if ('link' in what) symlinkSync(what.link, place)
    else if ('hard' in what) linkSync(join(root, what.hard), place)
    else {
      writeFileSync(place, '')
      truncateSync(place, what.sparseBytes)
      execFileSync('dd', [`of=${place}`, 'conv=notrunc', 'bs=1', `seek=${what.at}`, 'status=none'], {
        input: 'in a hole',
      })
    }
  }
  chmodSync(join(root, 'etc'), 0o750)
  return execFileSync('tar', ['cf', '-', '--sparse', '--numeric-owner', ...flags, '-C', root, '.'], {
    maxBuffer: 2 ** 28,
  })
}

async function stored(tar: Buffer, compressor: Compressor): Promise<LabArchive & { key: string }> {
  const id = String(3000 + (count += 1))
  const parts: Buffer[] = []
  async function* whole(): AsyncGenerator<Buffer> {
    yield tar
  }
  for await (const part of compress(whole(), compressor)) parts.push(part)
  const folder = `archives/hq/container-${id}/2026-11-22T02-00-07Z/`
  const fileName = `vzdump-lxc-${id}-2026_11_22-03_00_07.tar${EXTENSION[compressor]}`
  const guest = { id, kind: 'container', name: 'db1', node: 'pve1' } as const
  const archive = { guest, compressor, folder, fileName, bytes: Buffer.concat(parts) }
  await putLabArchive(store, archive)
  return { ...archive, key: `${folder}${fileName}` }
}

async function verify({ folder }: LabArchive, through: ArchiveStore = store): Promise<void> {
  const ports = { store: through, toolVersion: 'guestlift/test', now: () => new Date('2026-11-24T00:00:00.000Z') }
  const verification = await verifyDeep(folder, {
    ...ports,
    keyPrefix: '',
    remainingMilliseconds: () => Number.POSITIVE_INFINITY,
  })
  expect(verification).toMatchObject({ result: 'accepted', notes: expect.not.arrayContaining([/no new index/]) })
}

const large = 'x'.repeat(3_000_000)
const tree: Tree = {
  'etc/hostname': 'db1\n',
  'etc/hosts': { link: 'hostname' },
  'srv/large': large,
  'srv/hole': { sparseBytes: 2_000_000, at: 1_500_000 },
  [`srv/${'deep/'.repeat(40)}file`]: 'long name\n',
  'usr/bin/tool': 'tool\n',
  'usr/bin/also': { hard: 'usr/bin/tool' },
  'var/log/a.log': 'a\n',
  'var/log/b.log': 'b\n',
}

describe('extract by an index', () => {
  it.each(['none', 'zstd', 'gzip', 'lzo'] as const)(
    'gives the same tar as without it, and says what is read; compressed by %s',
    async (compressor) => {
      const archive = await stored(makeTar(tree, ['--format=gnu']), compressor)
      await verify(archive)
      const wanted = ['--file', 'etc', 'srv/hole', 'usr/**', 'var/log/*.log', '--tar']
      const by = await fromBucket(archive.folder, ...wanted, '-o', 'by.tar')
      expect(by).toMatchObject({
        code: 0,
        error: expect.stringMatching(/^By its index, the archive holds \d+ such files/),
      })
      expect(by.error).toMatch(compressor === 'none' ? /little else is read/ : /up to the last of them/)
      expect(by.error).toMatch(/Each file has the CRC-32 that it had when the archive was last read whole/)
      const without = await fromBucket(archive.folder, ...wanted, '-o', 'without.tar', '--no-index')
      expect(without).toMatchObject({ code: 0, error: expect.not.stringMatching(/index/) })
      expect(readFileSync(join(here, 'by.tar')).equals(readFileSync(join(here, 'without.tar')))).toBe(true)
      const lists = await Promise.all(['by.tar', 'without.tar'].map((name) => tarList(name)))
      expect(lists[0]).toEqual(lists[1])
    },
  )

  it('lists from the index alone, line by line what the archive itself gives', async () => {
    const archive = await stored(makeTar(tree), 'zstd')
    await verify(archive)
    for (const words of [['--list'], ['--list', '--json']]) {
      const by = await fromBucket(archive.folder, ...words)
      expect(by).toMatchObject({ code: 0, error: 'Only the index was read, and nothing of the archive.\n' })
      const without = await fromBucket(archive.folder, ...words, '--no-index')
      expect(by.out).toBe(without.out)
    }
  })

  it('says without reading the archive that it holds nothing of it, and how to read it all the same', async () => {
    const archive = await stored(makeTar(tree), 'zstd')
    await verify(archive)
    expect(await fromBucket(archive.folder, '--file', 'no/such')).toMatchObject({
      code: 1,
      error: expect.stringMatching(/By its index[^]*no such file[^]*--no-index[^]*nothing that fits no\/such/),
    })
    expect(readdirSync(here).filter((name) => name.startsWith('files'))).toEqual([])
  })

  it.each([
    ['that is cut short', (index: Buffer) => index.subarray(0, index.length - 40), /cut short, or no index/],
    ['that is a web page', () => Buffer.from('<html>503</html>'.repeat(20)), /cut short, or no index/],
    ['that is empty', () => Buffer.alloc(0), /cut short, or no index/],
    ['with a flipped bit', flipped, /is damaged/],
  ])('leaves an index %s aside, says so, and reads the archive', async (_what, change, why) => {
    const archive = await stored(makeTar(tree), 'none')
    await verify(archive)
    const index = (await indexOf(archive)) as Buffer
    await store.remove(contentIndexKey(archive.key))
    await store.writeText(contentIndexKey(archive.key), change(index))
    const ended = await fromBucket(archive.folder, '--file', 'etc/hostname')
    expect(ended).toMatchObject({ code: 0, error: expect.stringMatching(/left aside[^]*The archive itself is read/) })
    expect(ended.error).toMatch(why)
    expect(readFileSync(join(here, 'files/etc/hostname'), 'utf8')).toBe('db1\n')
    const listed = await fromBucket(archive.folder, '--list')
    expect(listed.out).toBe((await fromBucket(archive.folder, '--list', '--no-index')).out)
  })

  it('leaves the index of another archive aside', async () => {
    const [one, other] = [await stored(makeTar(tree), 'none'), await stored(makeTar({ ...tree, more: 'x' }), 'none')]
    await verify(one)
    await store.writeText(contentIndexKey(other.key), (await indexOf(one)) as Buffer)
    expect(await fromBucket(other.folder, '--file', 'more')).toMatchObject({
      code: 0,
      error: expect.stringMatching(/left aside: it is of another file/),
    })
  })

  it('reads a copy of archive, index and manifest on this machine by the index, and refuses changed bytes', async () => {
    const archive = await stored(makeTar(tree), 'none')
    await verify(archive)
    writeFileSync(join(here, archive.fileName), archive.bytes)
    writeFileSync(join(here, `${archive.fileName}.index.zst`), (await indexOf(archive)) as Buffer)
    expect(await extract(archive.fileName, '--file', 'etc/hostname', '-o', 'unproved')).toMatchObject({
      code: 0,
      error: expect.stringMatching(/left aside: nothing states the CRC-32/),
    })
    writeFileSync(join(here, 'manifest.json'), (await store.readText(`${archive.folder}manifest.json`))?.text ?? '')
    expect(await extract(archive.fileName, '--file', 'etc/hostname', '-o', 'proved')).toMatchObject({
      code: 0,
      error: expect.stringMatching(/^By its index, the archive holds 1 such file: /),
    })
    expect(readFileSync(join(here, 'proved/etc/hostname'), 'utf8')).toBe('db1\n')
    const changed = Buffer.from(archive.bytes)
    changed[changed.indexOf('xxxx')] = 0x79
    writeFileSync(join(here, archive.fileName), changed)
    // The format itself sums up no content: without an index, nobody would see it.
    expect(await extract(archive.fileName, '--file', 'srv/large', '-o', 'changed')).toMatchObject({
      code: 1,
      error: expect.stringMatching(/another CRC-32 than it says[^]*it is damaged or another file\. Nothing was kept/),
    })
    expect(readdirSync(here)).not.toContain('changed')
  })

  it('shows by plain tools where each file lies', async () => {
    const archive = await stored(makeTar(tree), 'none')
    await verify(archive)
    const lines = execFileSync('zstd', ['-dc'], { input: await indexOf(archive), encoding: 'utf8' })
    const line = lines.split('\n').find((one) => one.includes('"etc/hostname"')) ?? ''
    const { contentAt, sizeBytes } = JSON.parse(line) as { contentAt: number; sizeBytes: number }
    expect(archive.bytes.toString('latin1', contentAt, contentAt + sizeBytes)).toBe('db1\n')
  })
})

async function indexOf({ key }: { key: string }): Promise<Buffer | undefined> {
  const object = await store.head(contentIndexKey(key))
  if (object === undefined) return undefined
  const { sizeBytes, etag } = object
  return store.readRange(contentIndexKey(key), { firstByte: 0, lastByte: sizeBytes - 1, etag })
}

const tarList = async (name: string) =>
  execFileSync('tar', ['tvvf', name, '--numeric-owner'], { cwd: here, encoding: 'utf8' }).split('\n')

function flipped(index: Buffer): Buffer {
  const changed = Buffer.from(index)
  changed[40] = (changed[40] ?? 0) ^ 1
  return changed
}

describe('any tar that tar makes', () => {
  const step = fc.constantFrom('a', 'b', 'ü', 'with blank', 'x'.repeat(90))
  const path = fc.array(step, { minLength: 1, maxLength: 4 }).map((steps) => `${steps.join('/')}/f`)
  const content = fc.oneof(
    fc.string({ maxLength: 2_000 }),
    fc.record({ sparseBytes: fc.constant(400_000), at: fc.integer({ min: 0, max: 399_000 }) }),
    fc.constant({ link: 'somewhere/else' }),
  )
  const flags = fc.constantFrom(['--format=gnu'], ['--format=posix'], ['--format=posix', '--sparse-version=0.1'])

  it('gives the same by its index as without it, and as tar itself', { timeout: 300_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(path, content, { maxKeys: 6 }),
        flags,
        fc.boolean(),
        async (files, form, packed) => {
          const [first] = Object.keys(files)
          const hard: Tree = first === undefined ? {} : { 'linked/hard': { hard: first } }
          const tar = makeTar({ ...files, ...hard }, form)
          const archive = await stored(tar, packed ? 'zstd' : 'none')
          await verify(archive)
          const place = await mkdtemp(join(here, 'case-'))
          const ours = await fromBucket(archive.folder, '--file', '**', '--tar', '-o', join(place, 'by.tar'))
          expect(ours).toMatchObject({ code: 0, error: expect.stringMatching(/^By its index/) })
          const words = [archive.folder, '--file', '**', '--tar', '-o', join(place, 'without.tar'), '--no-index']
          const theirs = await fromBucket(...words)
          expect(theirs.code).toBe(0)
          expect(readFileSync(join(place, 'by.tar')).equals(readFileSync(join(place, 'without.tar')))).toBe(true)
          for (const name of ['ours', 'tars']) mkdirSync(join(place, name))
          execFileSync('tar', ['xf', join(place, 'by.tar'), '-C', join(place, 'ours')])
          execFileSync('tar', ['xf', '-', '-C', join(place, 'tars')], { input: tar })
          const same = spawnSync('diff', ['-r', '--no-dereference', 'ours', 'tars'], { cwd: place, encoding: 'utf8' })
          expect(same.stdout).toBe('')
          expect(same.status).toBe(0)
        },
      ),
      { numRuns: 8 },
    )
  })
})

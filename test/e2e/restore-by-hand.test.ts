/**
 * The commands of the catalogue's page, of RESTORE.md and of restore.sh, read out of them and run as a person would type
 * them. Proxmox's own tools are stand-ins here: they note what they were given, and our reader judges the stream.
 */
import { spawn, spawnSync } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { CopyObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { readArchive } from '../../functions/archive-formats/formats.ts'
import { createS3Client } from '../../functions/aws/s3-client.ts'
import { S3ArchiveStore } from '../../functions/aws/s3-archive-store.ts'
import { manifestKey } from '../../functions/domain/books/object-keys.ts'
import { writeCatalogue } from '../../functions/operations/catalogue/write-catalogue.ts'
import { type S3Server, startS3 } from '../../local/s3/server.ts'
import { chromium, openInChromium } from '../browser/chromium.ts'
import { fakePorts } from '../fakes/ports.ts'
import { compressors, type LabArchive, labArchive, putLabArchive } from '../fakes/lab-archives.ts'

const runs = (tool: string, flag = '--version') => spawnSync(tool, [flag], { timeout: 60_000 }).status === 0
const missing = ['aws', 'rclone', 'zstd', 'gzip', 'lzop', 'curl', 'python3'].filter((tool) => !runs(tool))
if (missing.length > 0) console.warn(`skipped: no ${missing.join(', ')}`)
const noShellcheck = !runs('shellcheck')
if (noShellcheck) console.warn('skipped: no shellcheck')

/** Notes its arguments, and what it got: a file, which it unpacks by its name as the real one does, or its input. */
const STAND_IN = `#!/bin/sh
echo "$(basename "$0") $*" >> "$RECORD/arguments"
to="$RECORD/stream-$(wc -l < "$RECORD/arguments" | tr -d ' ')"
for word; do
  case $word in
    -) cat > "$to" ;;
    *.zst) zstd -qdc "$word" > "$to" ;;
    *.gz) gzip -dc "$word" > "$to" ;;
    *.lzo) lzop -dc "$word" > "$to" ;;
    *.vma | *.tar) cat "$word" > "$to" ;;
  esac
done
`

const keyPrefix = 'vault/'
let work: string
let server: S3Server
let store: S3ArchiveStore
let s3: ReturnType<typeof createS3Client>
const archives: LabArchive[] = []
const archiveOf = (kind: 'vm' | 'container', compressor: string) =>
  archives.find((one) => one.guest.kind === kind && one.compressor === compressor) as LabArchive
const place = (name: string) => join(work, name)
const text = async (key: string) => (await store.readText(`${keyPrefix}${key}`))?.text ?? ''

beforeAll(async () => {
  if (missing.length > 0) return
  work = await mkdtemp(join(tmpdir(), 'guestlift-by-hand-'))
  for (const folder of ['s3', 'bin', 'dump', 'record', 'here']) await mkdir(place(folder))
  for (const tool of ['qmrestore', 'pct']) {
    await writeFile(place(`bin/${tool}`), STAND_IN)
    await chmod(place(`bin/${tool}`), 0o755)
  }
  server = await startS3({
    directory: place('s3'),
    accessKeyId: 'key',
    secretAccessKey: 'secret',
    buckets: ['archives'],
  })
  const credentials = { accessKeyId: 'key', secretAccessKey: 'secret' }
  s3 = createS3Client({ endpoint: server.url, region: 'us-east-1', credentials })
  store = new S3ArchiveStore(s3, 'archives', { sleep: async () => undefined, random: () => 0 })
  for (const kind of ['vm', 'container'] as const) {
    for (const compressor of compressors) archives.push(await labArchive(kind, compressor, keyPrefix))
  }
  for (const archive of archives) await putLabArchive(store, archive)
  await writeCatalogue({ site: 'hq' }, { ...fakePorts(), store, keyPrefix, s3Url: server.url, now: () => new Date() })
})
afterAll(async () => {
  if (missing.length > 0) return
  await server.close()
  await rm(work, { recursive: true, force: true })
})
beforeEach(async () => {
  for (const folder of ['dump', 'record', 'here']) {
    await rm(place(folder), { recursive: true, force: true })
    await mkdir(place(folder))
  }
})

/** Run lines in a shell, with the tools' own settings in the environment. Proxmox's folder lies elsewhere here. */
async function typed(lines: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const script = lines
    .join('\n')
    .replaceAll('/var/lib/vz/dump', place('dump'))
    .replaceAll(/^sh restore\.sh /gm, `sh restore.sh --dir ${place('dump')} `)
  const child = spawn('/bin/sh', ['-eu', '-c', script], {
    cwd: place('here'),
    env: {
      // Debian's own first: wrappers around them take a second each.
      PATH: `${place('bin')}:/usr/bin:${process.env['PATH']}`,
      HOME: work,
      RECORD: place('record'),
      AWS_ACCESS_KEY_ID: 'key',
      AWS_SECRET_ACCESS_KEY: 'secret',
      AWS_EC2_METADATA_DISABLED: 'true',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [out, error] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (error += chunk.toString()))
  const code = await new Promise((resolve) => child.on('close', resolve))
  return { code, out, error }
}

/** Apart from the script's own call of the restore tool, and rclone's word that it has no file of settings. */
function complaints(error: string): string {
  return error.replaceAll(/^(?:(?:qmrestore|pct) .*|.*NOTICE: Config file .*)$/gm, '').trim()
}

/** What the restore tools were called with, one line each, and what our reader says of what they got. */
async function restored(): Promise<{ calls: string[]; verdicts: string[] }> {
  const arguments_ = await readFile(place('record/arguments'), 'utf8').catch(() => '')
  const calls = arguments_.split('\n').filter((line) => line !== '')
  const verdicts: string[] = []
  for (const [at, call] of calls.entries()) {
    const content = await readFile(place(`record/stream-${at + 1}`))
    async function* whole() {
      yield content
    }
    const [fileName, kind] = call.startsWith('qmrestore') ? ['lab.vma', 'vm'] : ['lab.tar', 'container']
    const { result } = await readArchive(whole(), { fileName: fileName ?? '' })
    const same = content.equals(archiveOf(kind as 'vm', 'none').bytes)
    verdicts.push(`${result}, ${same ? 'byte for byte' : 'other bytes'}`)
  }
  return { calls: calls.map((call) => call.replaceAll(place('dump'), 'DUMP')), verdicts }
}

/** The commands below each heading of a text. */
function blocksOf(markdown: string): Map<string, string[]> {
  const blocks = new Map<string, string[]>()
  for (const section of markdown.split(/^## /m).slice(1)) {
    const [heading = ''] = section.split('\n')
    blocks.set(
      heading,
      [...section.matchAll(/^```sh\n([^]*?)\n```$/gm)].map(([, commands = '']) => commands),
    )
  }
  return blocks
}

/** RESTORE.md as a person follows it for an archive: its variables set, and the blocks to run. */
async function restoreText({ folder, fileName, guest }: LabArchive) {
  const blocks = blocksOf(await text('RESTORE.md'))
  const block = (heading: string, at: number) => {
    const found = blocks.get(heading)?.[at]
    if (found === undefined) throw new Error(`RESTORE.md has no ${heading}, ${at}`)
    return found
  }
  const settings = [
    block('What it takes', 0),
    block('What it takes', 1),
    block('Find the archive', 1)
      .replace(/^FOLDER=.*$/m, `FOLDER=${folder.slice(0, -1)}`)
      .replace(/^ARCHIVE=.*$/m, `ARCHIVE=${fileName}`)
      .replace(/^ID=\d+/m, `ID=${guest.id}`),
  ]
  return { settings, block }
}

describe.skipIf(missing.length > 0)('RESTORE.md', () => {
  it('finds the archives, and looks at one', async () => {
    const archive = archiveOf('vm', 'zstd')
    const { settings, block } = await restoreText(archive)
    const { code, out } = await typed([...settings, block('Find the archive', 0), block('Find the archive', 2)])
    expect(code).toBe(0)
    for (const { folder } of archives) expect(out).toContain(manifestKey(folder))
    expect(out).toContain(archive.fileName)
    expect(out).toContain(`"id":"${archive.guest.id}"`)
  })

  it.each(['vm', 'container'] as const)('restores a %s from a file, by aws and by rclone', async (kind) => {
    const archive = archiveOf(kind, 'gzip')
    const { settings, block } = await restoreText(archive)
    const heading = 'Get the file and compare its CRC-32'
    const restore = block(`Restore a ${kind === 'vm' ? 'virtual machine' : 'container'}`, 0)
    const fetch = block(heading, kind === 'vm' ? 0 : 1)
    const { code, out } = await typed([...settings, fetch, block(heading, 2), block(heading, 3), restore])
    expect(code).toBe(0)
    const [stored, computed, byGzip] = out.split('\n').filter((line) => !/^(download|copy|Completed)/.test(line))
    const manifest = await text(manifestKey(archive.folder).slice(keyPrefix.length))
    expect(manifest).toContain(`"CRC32:${stored}"`)
    expect(computed).toBe(stored)
    const reversed = Buffer.from(stored ?? '', 'base64')
      .reverse()
      .toString('hex')
    expect(byGzip?.replaceAll(' ', '')).toBe(reversed)
    const call = kind === 'vm' ? `qmrestore DUMP/${archive.fileName} 101` : `pct restore 201 DUMP/${archive.fileName}`
    expect(await restored()).toEqual({ calls: [call], verdicts: ['accepted, byte for byte'] })
  })

  // The two lines of a compression differ in where the bytes come from, and those of a kind in the tool alone.
  it.each([
    ['vm', 'aws', 'Restore a virtual machine', [103, 101, 102, 100]],
    ['container', 'rclone', 'Restore a container', [203, 201, 202, 200]],
  ] as const)('restores a %s through a pipe from %s, however it is compressed', async (kind, by, heading, ids) => {
    for (const [at, compressor] of ['zstd', 'gzip', 'lzo', 'none'].entries()) {
      const { settings, block } = await restoreText(archiveOf(kind, compressor))
      const command = block(heading, (by === 'aws' ? 1 : 2) + 2 * at)
      expect(command).toMatch(new RegExp(`^${by} `))
      const { code, error } = await typed([...settings, command])
      expect([compressor, code, complaints(error)]).toEqual([compressor, 0, ''])
    }
    const { calls, verdicts } = await restored()
    const one = (id: number) => (kind === 'vm' ? `qmrestore - ${id}` : `pct restore ${id} - --rootfs local-lvm:8`)
    expect(calls).toEqual(ids.map(one))
    expect(new Set(verdicts)).toEqual(new Set(['accepted, byte for byte']))
  })

  it('thaws an archive from Glacier, and then its script restores it', async () => {
    const archive = archiveOf('container', 'lzo')
    const Key = `${archive.folder}${archive.fileName}`
    const CopySource = `archives/${Key}`
    await s3.send(new CopyObjectCommand({ Bucket: 'archives', Key, CopySource, StorageClass: 'GLACIER' }))
    const { settings, block } = await restoreText(archive)
    const script = block('All of it by a script', 0)
    const frozen = await typed([...settings, script])
    expect(frozen).toMatchObject({ code: 1, error: expect.stringMatching(/RESTORE\.md says how to thaw it/) })
    expect(await readdir(place('dump'))).toEqual([])
    expect(await typed([...settings, block('Thaw it', 0), script])).toMatchObject({ code: 0 })
    expect(await restored()).toEqual({
      calls: [`pct restore 202 DUMP/${archive.fileName}`],
      verdicts: ['accepted, byte for byte'],
    })
    expect((await readdir(place('dump'))).toSorted()).toEqual([archive.fileName, `${archive.fileName}.notes`])
  })
})

describe.skipIf(missing.length > 0 || chromium === undefined)('the page of the catalogue', () => {
  it.each([
    ['vm', 'zstd', 'qmrestore DUMP/FILE 103', 'qmrestore - 103'],
    ['container', 'none', 'pct restore 200 DUMP/FILE', 'pct restore 200 - --rootfs local-lvm:8'],
  ] as const)('shows for a %s (%s) commands that restore it', async (kind, compressor, fromFile, fromPipe) => {
    const archive = archiveOf(kind, compressor)
    await writeFile(place('here/index.html'), await text('catalogue/hq/index.html'))
    const page = await openInChromium(`${pathToFileURL(place('here/index.html')).href}#${archive.guest.id}`)
    try {
      await page.evaluate(`document.querySelector('.guest > button').click()`)
      await page.evaluate(`document.querySelector('button.restore').click()`)
      const shown = String(await page.evaluate(`document.querySelector('.commands pre').textContent`)).split('\n')
      // The archive doesn't lie in Glacier, so a person leaves that line out.
      const commands = shown.filter((line) => !line.includes('restore-object'))
      expect(shown.length - commands.length).toBe(1)
      await writeFile(place('here/restore.sh'), await text('restore.sh'))
      const { code, out, error } = await typed(commands, { AWS_REGION: 'us-east-1' })
      expect([code, complaints(error)]).toEqual([0, ''])
      const sums = out.split('\n').filter((line) => /^[\w+/]{6}==$/.test(line))
      expect(sums).toHaveLength(2)
      expect(new Set(sums).size).toBe(1)
    } finally {
      await page.close()
    }
    const { calls, verdicts } = await restored()
    const file = fromFile.replace('FILE', archive.fileName)
    expect(calls).toEqual([file, fromPipe, fromPipe, file])
    expect(new Set(verdicts)).toEqual(new Set(['accepted, byte for byte']))
  })
})

describe.skipIf(missing.length > 0)('restore.sh', () => {
  const script = async (...words: string[]) => {
    await writeFile(place('here/restore.sh'), await text('restore.sh'))
    return ['sh', 'restore.sh', ...words].join(' ')
  }
  /** A PATH with these tools and no others, beside what any system has. */
  const onlyWith = async (name: string, ...tools: string[]) => {
    await mkdir(place(name), { recursive: true })
    const base =
      'sh basename cat tr sed grep head tail od awk cut base64 wc mv rm tee mktemp mkfifo gzip zstd lzop'.split(' ')
    for (const tool of [...base, ...tools]) {
      // What is on the PATH as python3 may be a script that needs more of it.
      const where = tool === 'python3' ? "python3 -c 'import sys; print(sys.executable)'" : `command -v ${tool}`
      const path = spawnSync('/bin/sh', ['-c', where], { encoding: 'utf8' }).stdout.trim()
      await symlink(path, place(`${name}/${tool}`)).catch(() => undefined)
    }
    return { PATH: `${place('bin')}:${place(name)}`, AWS_REGION: 'us-east-1' }
  }

  it.skipIf(noShellcheck)('is clean for shellcheck, as POSIX sh', async () => {
    await writeFile(place('here/restore.sh'), await text('restore.sh'))
    const { stdout, status } = spawnSync('shellcheck', ['--shell=sh', place('here/restore.sh')], { encoding: 'utf8' })
    expect([stdout, status]).toEqual(['', 0])
  })

  it('restores a VM by curl alone, without aws and without Python', async () => {
    const archive = archiveOf('vm', 'zstd')
    const env = await onlyWith('curl-only', 'curl')
    const { code, out } = await typed([await script('--storage', 'fast', archive.folder)], env)
    expect([code, out]).toEqual([0, expect.stringContaining('has the size and the CRC-32 of the manifest')])
    expect(await restored()).toEqual({
      calls: [`qmrestore DUMP/${archive.fileName} 103 --storage fast`],
      verdicts: ['accepted, byte for byte'],
    })
  })

  it('restores through a pipe, and compares the CRC-32 of what passed', async () => {
    const env = await onlyWith('curl-and-python', 'curl', 'python3')
    const container = archiveOf('container', 'gzip')
    expect(await typed([await script('--pipe', container.folder)], env)).toMatchObject({
      code: 1,
      error: expect.stringMatching(/needs --rootfs/),
    })
    const words = ['--pipe', '--rootfs', 'fast:4', '--id', '900', container.folder]
    expect(await typed([await script(...words)], env)).toMatchObject({ code: 0, error: expect.any(String) })
    expect(await restored()).toEqual({
      calls: ['pct restore 900 - --rootfs fast:4'],
      verdicts: ['accepted, byte for byte'],
    })
    expect(await readdir(place('dump'))).toEqual([])
  })

  it('takes a file that is there only if it is the archive, and replaces none', async () => {
    const env = await onlyWith('curl-and-python', 'curl', 'python3')
    const archive = archiveOf('vm', 'none')
    expect(await typed([await script('--fetch', archive.folder)], env)).toMatchObject({ code: 0 })
    expect(await typed([await script('--fetch', archive.folder)], env)).toMatchObject({ code: 0 })
    await writeFile(place(`dump/${archive.fileName}`), 'mine')
    expect(await typed([await script(archive.folder)], env)).toMatchObject({
      code: 1,
      error: expect.stringMatching(/is there already, and is another file/),
    })
    expect(await readFile(place(`dump/${archive.fileName}`), 'utf8')).toBe('mine')
    expect((await restored()).calls).toEqual([])
  })

  describe('of an archive that is not what its manifest says', () => {
    const folder = `${keyPrefix}archives/hq/vm-500/2026-11-22T02-00-07Z/`
    const put = async (change: (manifest: string) => string) => {
      const archive = { ...archiveOf('vm', 'zstd'), folder }
      const manifest = await text(manifestKey(archiveOf('vm', 'zstd').folder).slice(keyPrefix.length))
      await store.writeText(`${folder}${archive.fileName}`, archive.bytes)
      await store.writeText(manifestKey(folder), change(manifest))
      return onlyWith('curl-and-python', 'curl', 'python3')
    }

    it('restores nothing, and leaves no file', async () => {
      const env = await put((manifest) => manifest.replace(/CRC32:[^"]+/, 'CRC32:AAAAAA=='))
      expect(await typed([await script(folder)], env)).toMatchObject({
        code: 1,
        error: expect.stringMatching(/does not have the size and CRC-32 of the manifest/),
      })
      expect(await readdir(place('dump'))).toEqual([])
      const piped = await typed([await script('--pipe', folder)], env)
      expect(piped).toMatchObject({ code: 1, error: expect.stringMatching(/Remove vm 500 and try again/) })
    })

    it.each([
      ['several files', (text: string) => text.replace(/"artifacts":\[(\{.*?\}\})\]/, '"artifacts":[$1,$1]')],
      [
        'a name that leads elsewhere',
        (text: string) => text.replace(/("artifacts":\[.*?"fileName":)"[^"]+"/, '$1"../../x.vma"'),
      ],
      ['no checksum', (text: string) => text.replace(/CRC32:[^"]+/, 'SHA1:x')],
      ['a web page as manifest', () => '<html></html>'],
    ])('refuses %s', async (_what, change) => {
      const env = await put((manifest) => {
        const changed = change(manifest)
        expect(changed).not.toBe(manifest)
        return changed
      })
      expect(await typed([await script(folder)], env)).toMatchObject({
        code: 1,
        error: expect.stringMatching(/^restore\.sh: /m),
      })
      expect((await restored()).calls).toEqual([])
    })

    it('refuses a folder without a manifest, and says why', async () => {
      const env = await onlyWith('curl-and-python', 'curl', 'python3')
      expect(await typed([await script(`${keyPrefix}archives/hq/vm-501/2026-11-22T02-00-07Z`)], env)).toMatchObject({
        code: 1,
        error: expect.stringMatching(/There is no manifest/),
      })
    })
  })
})

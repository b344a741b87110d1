/** `guestlift extract`, over real sockets and files, judged by qemu-img and tar. */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createS3Client } from '../../../../functions/aws/s3-client.ts'
import { S3ArchiveStore } from '../../../../functions/aws/s3-archive-store.ts'
import { clusterCount, clusterReader } from '../../../../local/labs/proxmox/dumps/disk-content.ts'
import { type S3Server, startS3 } from '../../../../local/s3/server.ts'
import { compressors, disks, type LabArchive, labArchive, putLabArchive } from '../../../fakes/lab-archives.ts'
import { containerTar } from '../../../functions/archive-formats/proxmox/made-archives.ts'
import { guestlift as run } from '../command-line.ts'

const bin = fileURLToPath(new URL('../../../../bin/guestlift.ts', import.meta.url))
const noQemu = spawnSync('qemu-img', ['--version']).status !== 0
if (noQemu) console.warn('skipped: no qemu-img')

let work: string
let here: string
let server: S3Server
let store: S3ArchiveStore
const archives: LabArchive[] = []
const archiveOf = (kind: 'vm' | 'container', compressor: string) =>
  archives.find((one) => one.guest.kind === kind && one.compressor === compressor) as LabArchive

/** The lab's disk, byte for byte. */
function labDisk({ sizeBytes, ...disk }: (typeof disks)[number]): Buffer {
  const cluster = clusterReader({ sizeBytes, ...disk })
  const whole = Array.from({ length: clusterCount(sizeBytes) }, (_, at) => Buffer.from(cluster(at).data))
  return Buffer.concat(whole).subarray(0, sizeBytes)
}

beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'guestlift-extract-'))
  for (const folder of ['s3', 'files']) mkdirSync(join(work, folder))
  server = await startS3({
    directory: join(work, 's3'),
    accessKeyId: 'key',
    secretAccessKey: 'secret',
    buckets: ['archives'],
  })
  const credentials = { accessKeyId: 'key', secretAccessKey: 'secret' }
  const client = createS3Client({ endpoint: server.url, region: 'us-east-1', credentials })
  store = new S3ArchiveStore(client, 'archives', { sleep: async () => undefined, random: () => 0 })
  for (const kind of ['vm', 'container'] as const) {
    for (const compressor of compressors) archives.push(await labArchive(kind, compressor))
  }
  for (const archive of archives) {
    await putLabArchive(store, archive)
    writeFileSync(join(work, 'files', archive.fileName), archive.bytes)
  }
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
const local = (archive: LabArchive) => join(work, 'files', archive.fileName)

describe('extract --disk', () => {
  it.each(compressors)('takes each disk byte for byte out of a VM’s archive, compressed by %s', async (compressor) => {
    const archive = archiveOf('vm', compressor)
    for (const [at, disk] of disks.entries()) {
      const name = disk.deviceName.replace('drive-', '')
      const ended =
        at === 0
          ? await fromBucket(archive.folder, '--disk', name, '-o', `${name}.img`)
          : await extract(local(archive), '--disk', disk.deviceName, '-o', `${name}.img`)
      expect(ended).toMatchObject({ code: 0, out: expect.stringContaining(`${name}.img: ${name}, `) })
      expect(readFileSync(join(here, `${name}.img`)).equals(labDisk(disk))).toBe(true)
      expect(ended.error).toMatch(
        compressor === 'none'
          ? /is not compressed[^]*Only parts of the archive were read, so its CRC-32 was not compared/
          : at === 0
            ? /all of its [^]*has the CRC-32 that its manifest states/
            : /compared with nothing/,
      )
    }
    expect(readdirSync(here)).toHaveLength(2)
  })

  it.skipIf(noQemu)('makes a sparse file and an image in qcow2 that QEMU finds equal to the disk', async () => {
    const [disk] = disks
    writeFileSync(join(here, 'lab.raw'), labDisk(disk as (typeof disks)[number]))
    expect(await extract(local(archiveOf('vm', 'zstd')), '--disk', 'scsi0')).toMatchObject({ code: 0 })
    expect(await extract(local(archiveOf('vm', 'zstd')), '--disk', 'scsi0', '--qcow2')).toMatchObject({ code: 0 })
    const compare = (name: string) =>
      execFileSync('qemu-img', ['compare', 'lab.raw', name], { cwd: here, encoding: 'utf8' })
    expect(compare('scsi0.raw')).toMatch(/identical/)
    expect(compare('scsi0.qcow2')).toMatch(/identical/)
    const check = execFileSync('qemu-img', ['check', '--output=json', 'scsi0.qcow2'], { cwd: here, encoding: 'utf8' })
    expect(JSON.parse(check)).toMatchObject({ 'check-errors': 0 })
    expect(check).not.toMatch(/"(?:leaks|corruptions)"/)
    const { blocks, size } = statSync(join(here, 'scsi0.raw'))
    expect(size).toBe(disk?.sizeBytes)
    expect(blocks * 512).toBeLessThan(size * 0.7)
  })

  it('replaces no file without --force', async () => {
    writeFileSync(join(here, 'scsi0.raw'), 'mine')
    const archive = local(archiveOf('vm', 'none'))
    expect(await extract(archive, '--disk', 'scsi0')).toMatchObject({
      code: 1,
      error: expect.stringMatching(/scsi0\.raw is there already, and was left as it is/),
    })
    expect(readFileSync(join(here, 'scsi0.raw'), 'utf8')).toBe('mine')
    expect(await extract(archive, '--disk', 'scsi0', '--force')).toMatchObject({ code: 0 })
    expect(statSync(join(here, 'scsi0.raw')).size).toBe(disks[0]?.sizeBytes)
  })

  it('says which disks there are where that one is not, and that a container has none', async () => {
    expect(await extract(local(archiveOf('vm', 'zstd')), '--disk', 'scsi7')).toMatchObject({
      code: 1,
      error: expect.stringMatching(/holds no disk scsi7\. It holds: scsi0, efidisk0\./),
    })
    expect(await extract(local(archiveOf('container', 'zstd')), '--disk', 'scsi0')).toMatchObject({
      code: 1,
      error: expect.stringMatching(/is the archive of a container/),
    })
    expect(readdirSync(here)).toEqual([])
  })

  it.each([
    ['cut off', (bytes: Buffer) => bytes.subarray(0, bytes.length - 70_000)],
    ['with a flipped bit in its second extent’s header', flippedExtent],
    ['that is a web page', () => Buffer.from('<!doctype html><html>503</html>'.repeat(40))],
    ['that is empty', () => Buffer.alloc(0)],
  ])('of an archive %s keeps nothing, and says what is wrong and where', async (_what, change) => {
    const file = join(here, 'vzdump-qemu-100-2026_11_22-03_00_07.vma')
    writeFileSync(file, change(archiveOf('vm', 'none').bytes))
    const { code, error } = await extract(file, '--disk', 'scsi0')
    expect(code).toBe(1)
    expect(error).toMatch(/^guestlift: .* is damaged: .*\. Nothing was kept\.$/m)
    expect(readdirSync(here)).toEqual(['vzdump-qemu-100-2026_11_22-03_00_07.vma'])
  })

  it('of a compressed archive whose bytes are not those of the manifest keeps nothing', async () => {
    const archive = { ...archiveOf('vm', 'gzip'), folder: 'archives/hq/vm-900/2026-11-22T02-00-07Z/' }
    await putLabArchive(store, archive)
    const manifest = (await store.readText(`${archive.folder}manifest.json`))?.text ?? ''
    await store.writeText(`${archive.folder}manifest.json`, manifest.replace(/CRC32:[^"]+/, 'CRC32:AAAAAA=='))
    expect(await fromBucket(archive.folder, '--disk', 'scsi0')).toMatchObject({
      code: 1,
      error: expect.stringMatching(/and its manifest states CRC32:AAAAAA==: it is damaged or another file/),
    })
    expect(readdirSync(here)).toEqual([])
  })

  it("takes a guest's newest archive by what the guest is called, and none that is younger than asked for", async () => {
    for (const name of ['vm3', 'hq/vm-103']) {
      const { code, out } = await fromBucket(name, '--list', '--at', '2026-11-22')
      expect({ code, out }).toEqual({ code: 0, out: expect.stringContaining('scsi0') })
    }
    expect(await fromBucket('vm3', '--list', '--at', '2026-11-21')).toMatchObject({
      code: 1,
      error: expect.stringMatching(/There is no archive of vm3, or none of that time/),
    })
    expect((await extract('vm3', '--list', '--at', '2026-11-22')).code).toBe(64)
  })

  it('leaves nothing behind when it is stopped', async () => {
    const folder = 'archives/hq/vm-901/2026-11-22T02-00-07Z/'
    await putLabArchive(store, { ...archiveOf('vm', 'zstd'), folder })
    const words = ['extract', folder, '--disk', 'scsi0', '--bucket', 'archives', '--s3', server.url]
    const child = spawn(process.execPath, [bin, ...words], { env: env(), cwd: here, stdio: ['ignore', 'pipe', 'pipe'] })
    let error = ''
    child.stderr.on('data', (chunk: Buffer) => {
      error += chunk.toString()
      if (error.includes('all of its')) child.kill('SIGINT')
    })
    const [code]: unknown[] = await once(child, 'close')
    // It may have been faster than the signal; half a disk under its name there never is.
    expect([0, 130]).toContain(code)
    expect(readdirSync(here)).toEqual(code === 0 ? ['scsi0.raw'] : [])
  })
})

function flippedExtent(bytes: Buffer): Buffer {
  const changed = Buffer.from(bytes)
  const at = changed.indexOf('VMAE', changed.indexOf('VMAE') + 4, 'latin1') + 60
  changed[at] = (changed[at] ?? 0) ^ 1
  return changed
}

describe('extract --file', () => {
  it.each(compressors)('takes files as tar does out of a container’s archive, compressed by %s', async (compressor) => {
    const archive = archiveOf('container', compressor)
    const ended = await fromBucket(archive.folder, '--file', 'etc/hostname', '/root', 'var/**/0001.*')
    expect(ended).toMatchObject({ code: 0, out: 'files: 4 files.\n' })
    const theirs = join(here, 'theirs')
    mkdirSync(theirs)
    execFileSync('tar', ['xf', '-', '-C', theirs], { input: archiveOf('container', 'none').bytes })
    const found = readdirSync(join(here, 'files'), { recursive: true, withFileTypes: true }).filter((one) =>
      one.isFile(),
    )
    expect(found.map(({ name }) => name).toSorted()).toEqual(['.profile', '0001.log', 'hostname'].toSorted())
    for (const { parentPath, name } of found) {
      const path = join(parentPath, name).slice(join(here, 'files').length)
      expect(readFileSync(join(here, 'files', path)).equals(readFileSync(join(theirs, path)))).toBe(true)
      expect(statSync(join(here, 'files', path)).mode).toBe(statSync(join(theirs, path)).mode)
    }
  })

  it.each(['posix', 'gnu'] as const)('keeps owners, modes, links and holes with --tar (%s)', async (format) => {
    const file = join(here, 'vzdump-lxc-101-2026_11_22-03_00_07.tar')
    writeFileSync(file, containerTar({ format }))
    expect(await extract(file, '--file', 'srv', '--tar')).toMatchObject({ code: 0 })
    const list = (name: string) =>
      execFileSync('tar', ['tvvf', name, '--numeric-owner'], { cwd: here, encoding: 'utf8' }).split('\n')
    expect(list('files.tar')).toEqual(list(file).filter((line) => !line.includes('./etc/')))
    for (const name of ['ours', 'theirs']) mkdirSync(join(here, name))
    execFileSync('tar', ['xf', 'files.tar', '-C', 'ours'], { cwd: here })
    execFileSync('tar', ['xf', file, '-C', 'theirs', './srv'], { cwd: here })
    expect(spawnSync('diff', ['-r', '--no-dereference', 'ours', 'theirs'], { cwd: here }).status).toBe(0)
  })

  it.each([
    ['gnu', ['--format=gnu']],
    ['posix 1.0', ['--format=posix', '--sparse-version=1.0']],
    ['posix 0.1', ['--format=posix', '--sparse-version=0.1']],
  ])('fills in the holes of a file, as tar wrote them in the form %s', async (_form, flags) => {
    const root = join(here, 'root')
    mkdirSync(join(root, 'etc/vzdump'), { recursive: true })
    writeFileSync(join(root, 'etc/vzdump/pct.conf'), 'arch: amd64\n')
    // More pieces than the four that GNU's old header has room for.
    const content = Buffer.alloc(3_000_000)
    for (let at = 0; at < 30; at += 1) content.write(`piece ${at}`, at * 100_000 + at, 'latin1')
    execFileSync('dd', ['of=root/sparse', 'conv=sparse', 'bs=4096', 'status=none'], { cwd: here, input: content })
    execFileSync('tar', ['cf', 'ct.tar', '--sparse', ...flags, '-C', root, './etc', './sparse'], { cwd: here })
    expect(statSync(join(here, 'ct.tar')).size).toBeLessThan(1_000_000)
    expect(await extract('ct.tar', '--file', 'sparse')).toMatchObject({ code: 0 })
    expect(readFileSync(join(here, 'files/sparse')).equals(content)).toBe(true)
  })

  it('leaves out what a folder of files cannot hold, says so, and ends with 2', async () => {
    const file = join(here, 'ct.tar')
    writeFileSync(file, containerTar())
    const { code, error } = await extract(file, '--file', 'srv/link', 'srv/hard', 'srv/file-3', 'nowhere/*')
    expect(code).toBe(2)
    expect(error).toMatch(/srv\/link: it is a symbolic link, which only --tar keeps\./)
    expect(error).toMatch(/srv\/(?:hard|file-9): it is a hard link to srv\/|^(?![^]*hard link)/)
    expect(error).toMatch(/holds nothing that fits nowhere\/\*\./)
    // Without set-uid: it belongs to whoever runs this now.
    expect(statSync(join(here, 'files/srv/file-3')).mode & 0o7777).toBe(0o755)
  })

  it('lets no member out of its folder', async () => {
    const root = join(here, 'root')
    mkdirSync(join(root, 'etc/vzdump'), { recursive: true })
    writeFileSync(join(root, 'etc/vzdump/pct.conf'), 'arch: amd64\n')
    writeFileSync(join(root, 'good'), 'good')
    writeFileSync(join(root, 'evil'), 'evil')
    const rename = ['--transform', 's,^./evil,./a/../../../escaped,', '-P']
    execFileSync('tar', ['cf', 'ct.tar', ...rename, '-C', root, './etc', './good', './evil'], { cwd: here })
    const { code, error } = await extract('ct.tar', '--file', '**')
    expect(code).toBe(2)
    expect(error).toMatch(/escaped: its path leads elsewhere\./)
    expect(existsSync(join(here, '..', 'escaped'))).toBe(false)
    expect(readFileSync(join(here, 'files/good'), 'utf8')).toBe('good')
  })

  it('keeps nothing where the archive holds nothing of it, and replaces no folder', async () => {
    const archive = local(archiveOf('container', 'zstd'))
    expect(await extract(archive, '--file', 'no/such')).toMatchObject({
      code: 1,
      error: expect.stringMatching(/holds nothing that fits no\/such\.\n[^]*Nothing was taken out/),
    })
    expect(readdirSync(here)).toEqual([])
    mkdirSync(join(here, 'files'))
    expect(await extract(archive, '--file', 'etc', '--force')).toMatchObject({
      code: 1,
      error: expect.stringMatching(/files is there already/),
    })
    expect(readdirSync(join(here, 'files'))).toEqual([])
  })
})

describe('extract --list', () => {
  it('shows configuration and disks of a VM from its beginning', async () => {
    const { code, out } = await fromBucket(archiveOf('vm', 'zstd').folder, '--list')
    expect(code).toBe(0)
    expect(out).toMatch(/^disk scsi0 +5\.6 MiB \(5903360 bytes\)\ndisk efidisk0 +528\.0 KiB \(540672 bytes\)\n/)
    expect(out).toMatch(/qemu-server\.conf:\n {2}cores: 2\n {2}name: web1\n/)
    const json = await fromBucket('hq/vm-100/2026-11-22T02-00-07Z/', '--list', '--json', '--prefix', 'archives')
    expect(JSON.parse(json.out)).toMatchObject({ version: 1, disks: [{ name: 'scsi0', sizeBytes: 5_903_360 }, {}] })
  })

  it('shows the files of a container as tar does', async () => {
    const { code, out } = await extract(local(archiveOf('container', 'gzip')), '--list')
    expect(code).toBe(0)
    const tar = execFileSync('tar', ['tvf', local(archiveOf('container', 'none')), '--numeric-owner', '--utc'], {
      encoding: 'utf8',
    })
    const ours = out
      .trim()
      .split('\n')
      .map((line) => line.split(/\s+/))
    const theirs = tar
      .trim()
      .split('\n')
      .map((line) => line.split(/\s+/))
    expect(ours.map(([rights, owner, size]) => [rights, owner, size])).toEqual(
      theirs.map(([rights, owner, size]) => [rights, owner, size]),
    )
    expect(ours.map((words) => words[5])).toEqual(
      theirs.map((words) => (words[5] ?? '').replace(/^\.\/|\/$/g, '').replace(/\/$/, '')),
    )
  })

  it('refuses a command line that can’t be meant', async () => {
    const archive = local(archiveOf('vm', 'none'))
    for (const words of [
      [],
      ['--list', '--disk', 'scsi0'],
      ['--list', '--qcow2'],
      ['--disk', 'a', '--tar'],
      ['--disk', 'a', '--json'],
    ]) {
      expect(await extract(archive, ...words)).toMatchObject({ code: 64 })
    }
    expect(await extract(join(here, 'nowhere.vma'), '--list')).toMatchObject({
      code: 1,
      error: expect.stringMatching(/can't be read/),
    })
    expect(await fromBucket('archives/hq/vm-1/2026-11-22T02-00-07Z/', '--list')).toMatchObject({ code: 1 })
  })
})

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { afterAll, describe, expect, it } from 'vitest'
import { verificationSchema } from '../../../../functions/contracts/verification.ts'
import { crc32ToBase64 } from '../../../../functions/domain/transfer/crc32.ts'
import { archiveFolder } from '../../../../functions/domain/books/object-keys.ts'
import { createS3Client } from '../../../../functions/aws/s3-client.ts'
import { S3ArchiveStore } from '../../../../functions/aws/s3-archive-store.ts'
import { synthesise } from '../../../../local/run/assembly.ts'
import { startS3 } from '../../../../local/s3/server.ts'
import { manifestOf } from '../../../fakes/manifest.ts'
import { compressed, containerTar, has, vma } from '../../../functions/archive-formats/proxmox/made-archives.ts'
import { guestlift as run, type Ended } from '../command-line.ts'

const folder = mkdtempSync(join(tmpdir(), 'guestlift-verify-'))
afterAll(() => rmSync(folder, { recursive: true }))

const credentials = { accessKeyId: 'key', secretAccessKey: 'secret' }
const env = { ...process.env, AWS_ACCESS_KEY_ID: 'key', AWS_SECRET_ACCESS_KEY: 'secret' }

function guestlift(...args: string[]): Promise<Ended> {
  return run(args, { env })
}

function file(name: string, bytes: Buffer | string): string {
  const path = join(folder, name)
  writeFileSync(path, bytes)
  return path
}

const vmName = 'vzdump-qemu-100-2026_11_22-02_00_00.vma'

describe('guestlift verify --local', () => {
  it('accepts an archive and says what is in it', async () => {
    const path = file(vmName, await vma())
    const { code, out } = await guestlift('verify', '--local', path)
    expect(code).toBe(0)
    expect(out).toContain('accepted')
    expect(out).toContain('vm 100, vma, not compressed')
    expect(out).toMatch(/drive-scsi0 +5\.6 MiB +91 of 91 clusters/)
    expect(out).toMatch(/content \d+ bytes, [3-7]\.\d of 8 bits per byte\n/)
    expect(out).toContain('There is no manifest beside the file')
  })

  it('refuses a damaged one with what is wrong and where, as JSON too', async ({ skip }) => {
    if (!has('zstd')) return skip('no zstd here')
    const whole = compressed(containerTar(), 'zstd')
    const path = file('vzdump-lxc-101-2026_11_22-02_00_00.tar.zst', whole.subarray(0, -1_000))
    const told = await guestlift('verify', '--local', path)
    expect(told.code).toBe(1)
    expect(told.out).toMatch(/REFUSED\n {2}- .*ends.*\[zstd-cut-short, byte \d+ of the file\]/)
    const json = await guestlift('verify', '--local', path, '--json')
    expect(json.code).toBe(1)
    expect(verificationSchema.parse(JSON.parse(json.out))).toMatchObject({ version: 1, result: 'refused' })
  })

  it('compares with the manifest, which sees what the format can’t', async () => {
    const bytes = await vma()
    const path = file(vmName, bytes)
    const manifest = manifestOf('2026-11-22T02:00:00.000Z', [bytes.length], {
      id: '100',
      kind: 'vm',
      name: 'web1',
      node: 'pve1',
    })
    const [artifact] = manifest.artifacts
    const own = { ...artifact, fileName: vmName, checksum: `CRC32:${crc32ToBase64(crc32(bytes))}` }
    const beside = file('own.json', JSON.stringify({ ...manifest, artifacts: [own] }))
    expect((await guestlift('verify', '--local', path, '--manifest', beside)).code).toBe(0)
    const middle = bytes.length - 100
    bytes[middle] = (bytes[middle] ?? 0) ^ 1
    file(vmName, bytes)
    const { code, out } = await guestlift('verify', '--local', path, '--manifest', beside)
    expect(code).toBe(1)
    expect(out).toContain('it is not what was archived')
  })

  it('says so when there is nothing to read', async () => {
    const missing = await guestlift('verify', '--local', join(folder, 'nothing.vma'))
    expect(missing).toMatchObject({ code: 1, error: expect.stringMatching(/can't be read/) })
    expect((await guestlift('verify', '--local', folder)).error).toMatch(/is not a file/)
    expect((await guestlift('verify')).code).toBe(64)
  })
})

describe('guestlift verify --archive', () => {
  it('reads archives of a bucket back, says which would restore, and keeps that beside them', async () => {
    const server = await startS3({ directory: join(folder, 's3'), ...credentials, buckets: ['archives'] })
    try {
      const client = createS3Client({ endpoint: server.url, region: 'us-east-1', credentials })
      const store = new S3ArchiveStore(client, 'archives', { sleep: async () => undefined, random: () => 0 })
      const place = 'vault/archives/hq/vm-100/'
      // More than one range of 16 MiB.
      const bytes = await vma({ clusters: 1_400 })
      expect(bytes.length).toBeGreaterThan(2 ** 24)
      const guest = { id: '100', kind: 'vm', name: 'web1', node: 'pve1' } as const
      const put = async (day: string, body: Buffer) => {
        const below = `${place}2026-11-${day}T02-00-00Z/`
        const uploadId = await store.createUpload(`${below}${vmName}`)
        const part = await store.putPart(`${below}${vmName}`, uploadId, 1, body, crc32(body))
        await store.completeUpload(`${below}${vmName}`, uploadId, [part], crc32(body))
        const manifest = manifestOf(`2026-11-${day}T02:00:00.000Z`, [bytes.length], guest)
        const [artifact] = manifest.artifacts
        const checksum = `CRC32:${crc32ToBase64(crc32(bytes))}`
        const artifacts = [{ ...artifact, key: `${below}${vmName}`, fileName: vmName, checksum }]
        await store.writeText(`${below}manifest.json`, JSON.stringify({ ...manifest, artifacts }))
        return below
      }
      const good = await put('21', bytes)
      const bad = await put('22', bytes.subarray(0, -4_096))
      const at = ['--bucket', 'archives', '--s3', server.url, '--prefix', 'vault']
      const all = await guestlift('verify', '--archive', place, ...at)
      expect(all.error).toMatch(/^Requests: .*GetObject.*PutObject\.$/m)
      expect(all.out).toContain('1 of 2 archives accepted')
      expect(all.out).toMatch(/REFUSED\n {2}- .*\[vma-cut-short/)
      expect(all.code).toBe(2)
      const one = await guestlift('verify', '--archive', `${good}${vmName}`, '--json', ...at)
      expect(one.code).toBe(0)
      expect(JSON.parse(one.out)).toMatchObject({ folder: good, result: 'accepted' })
      const kept = async (of: string) => JSON.parse((await store.readText(`${of}verification.json`))?.text ?? 'null')
      expect(verificationSchema.parse(await kept(good)).result).toBe('accepted')
      expect(verificationSchema.parse(await kept(bad)).result).toBe('refused')
      for (const [words, folder] of [
        // The newest has another size than its manifest says.
        [['hq/vm-100'], good],
        [['web1', '--at', '2026-11-22'], good],
      ] as const) {
        const { out, error } = await guestlift('verify', '--json', ...at, '--archive', ...words)
        expect(JSON.parse(out)).toMatchObject({ folder })
        expect(error).toMatch(
          /^The newer vault\/\S+2026-11-22T02-00-00Z\/ was passed over: it is damaged\. \S+ has \d+ bytes/,
        )
      }
      const unknown = await guestlift('verify', '--archive', 'nobody', ...at)
      expect(unknown).toMatchObject({ code: 1, error: expect.stringMatching(/There is no archive of nobody/) })
      const none = await guestlift('verify', '--archive', 'vault/archives/hq/vm-999/', ...at)
      expect(none).toMatchObject({ code: 1, error: expect.stringMatching(/no archive below/) })
      expect((await guestlift('verify', '--archive', 'x')).code).toBe(64)
    } finally {
      await server.close()
    }
  })
})

describe('guestlift verify --due --local', () => {
  it('runs the workflow over what is due, says what it found, and ends by it', async () => {
    await synthesise(() => undefined)
    const server = await startS3({
      directory: join(folder, 's3-due'),
      accessKeyId: credentials.accessKeyId,
      secretAccessKey: credentials.secretAccessKey,
      buckets: ['archives'],
    })
    try {
      const client = createS3Client({ endpoint: server.url, region: 'us-east-1', credentials, pathStyle: true })
      const store = new S3ArchiveStore(client, 'archives', { sleep: async () => undefined, random: () => 0.5 })
      const bytes = await vma()
      const guest = { id: '100', kind: 'vm', name: 'web1', node: 'pve1' } as const
      const put = async (daysAgo: number, body: Buffer) => {
        const createdAt = new Date(Date.now() - daysAgo * 86_400_000).toISOString()
        const below = archiveFolder('', 'hq', guest, createdAt)
        const uploadId = await store.createUpload(`${below}${vmName}`)
        const part = await store.putPart(`${below}${vmName}`, uploadId, 1, body, crc32(body))
        await store.completeUpload(`${below}${vmName}`, uploadId, [part], crc32(body))
        const manifest = manifestOf(createdAt, [bytes.length], guest)
        const checksum = `CRC32:${crc32ToBase64(crc32(bytes))}`
        const artifacts = manifest.artifacts.map((one) => ({
          ...one,
          key: `${below}${vmName}`,
          fileName: vmName,
          checksum,
        }))
        await store.writeText(`${below}manifest.json`, JSON.stringify({ ...manifest, artifacts }))
        return below
      }
      const good = await put(2, bytes)
      const flipped = Buffer.from(bytes)
      flipped[bytes.length - 100] = (flipped[bytes.length - 100] ?? 0) ^ 4
      const bad = await put(1, flipped)
      const due = ['verify', '--due', '--local', '--bucket', 'archives', '--s3', server.url]

      const first = await guestlift(...due, '--guest-within', '31d')
      expect(first.out).toContain(`REFUSED: ${bad}`)
      expect(first.out).toMatch(
        /\n0 archives accepted, .* read\. 1 archive REFUSED: archives\/.*\nReport: s3:\/\/archives\/verifications\//,
      )
      expect(first.code).toBe(1)

      const second = await guestlift(...due, '--json')
      expect(JSON.parse(second.out)).toMatchObject({
        outcome: 'succeeded',
        archives: [{ folder: good, result: 'accepted' }],
        unread: [{ folder: bad, why: 'refused-earlier' }],
      })
      expect(second.code).toBe(0)

      // An archive that was read once isn't read again for its own age.
      const third = await guestlift(...due, '--archive-within', '30m', '--site', 'hq')
      expect(third.out).toContain('No archive was to be read. 1 archive refused earlier.')
      const other = await guestlift(...due, '--archive', good)
      expect(other.out).toContain(`accepted: ${good}`)
      expect(other.out).toContain('It was asked for.')
      expect([third.code, other.code]).toEqual([0, 0])
    } finally {
      await server.close()
    }
  })
})

describe('the command line of guestlift verify', () => {
  it.each([
    [['--local'], /--local needs a file, or --due/],
    [['--due', '--local'], /--due --local needs --bucket/],
    [['--due', '--local', 'file.vma'], /reads a file and goes alone/],
    [[], /needs one of --local <file>, --archive <key> and --due/],
    [['--due', '--guest-within', 'often'], /Give a duration/],
  ])('refuses %j with a sentence', async (args, message) => {
    expect(await guestlift('verify', ...args)).toMatchObject({ code: 64, error: expect.stringMatching(message) })
  })
})

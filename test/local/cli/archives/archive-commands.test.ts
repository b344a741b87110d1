import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { S3HoldStore } from '../../../../functions/aws/s3-hold-store.ts'
import { createS3Client } from '../../../../functions/aws/s3-client.ts'
import { readPolicy } from '../../../../local/iam/policy.ts'
import { openSession } from '../../../../local/iam/session.ts'
import { putArchive } from '../../../fakes/put-archive.ts'
import { openVersionedBucket, type VersionedBucket } from '../../../fakes/versioned-bucket.ts'
import { guestlift as run } from '../command-line.ts'

const guest = { id: '100', kind: 'vm', name: 'web', node: 'pve1' } as const

let directory: string
let bucket: VersionedBucket
let plain: VersionedBucket
let older: string
let newest: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'guestlift-hold-'))
  bucket = await openVersionedBucket('locking')
  plain = await openVersionedBucket('versioned')
  older = await putArchive(bucket, guest, '2026-11-01T02:00:00.000Z')
  newest = await putArchive(bucket, guest, '2026-11-22T02:00:00.000Z')
  await putArchive(plain, guest, '2026-11-22T02:00:00.000Z')
})
afterAll(async () => {
  await bucket.close()
  await plain.close()
  await rm(directory, { recursive: true, force: true })
})

function guestlift(on: VersionedBucket, ...words: string[]) {
  const keys = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', AWS_REGION: 'us-east-1' }
  const env = { PATH: process.env['PATH'], HOME: directory, XDG_STATE_HOME: directory, NO_COLOR: '1', ...keys }
  return run([...words, '--bucket', 'archives', '--s3', on.url], { cwd: directory, env })
}

const prune = () => guestlift(bucket, 'prune', '--site', 'hq', '--keep-last', '1', '--guest', '100', '--confirm')
const keys = async (folder: string) => (await bucket.all(folder)).map(({ key }) => key)

describe('guestlift archive hold and release', () => {
  it('hold an archive against every pruning, and let it go again', async () => {
    const held = await guestlift(bucket, 'archive', 'hold', older)
    expect(held).toMatchObject({ code: 0, out: `s3://archives/${older}: 2 files under a legal hold.\n` })
    for (const { key, versionId } of await bucket.all(older)) {
      expect(await bucket.versions.lockOf(key, versionId)).toEqual({ legalHold: true })
    }
    expect((await guestlift(bucket, 'archive', 'hold', older)).out).toContain(
      '2 files under a legal hold; 2 of them before.',
    )

    const pruned = await prune()
    expect(pruned.out).toContain('legal hold')
    expect(await keys(older)).toHaveLength(2)

    const released = await guestlift(bucket, 'archive', 'release', older, '--json')
    expect(JSON.parse(released.out)).toEqual({
      version: 1,
      bucket: 'archives',
      folder: older,
      on: false,
      settled: 2,
      changed: 2,
      left: [],
    })
    expect((await prune()).code).toBe(0)
    expect(await keys(older)).toEqual([])
  })

  it('mean the newest whole archive of a guest, and name what is wrong', async () => {
    expect((await guestlift(bucket, 'archive', 'hold', 'web')).out).toContain(newest)
    expect((await guestlift(bucket, 'archive', 'release', `s3://archives/${newest}manifest.json`)).code).toBe(0)
    const unknown = await guestlift(bucket, 'archive', 'hold', '777')
    expect(unknown).toMatchObject({ code: 1, error: expect.stringContaining('777') })
    const none = await guestlift(bucket, 'archive', 'hold', 'archives/hq/vm-100/2020-01-01T00-00-00Z/')
    expect(none).toMatchObject({ code: 1, error: expect.stringContaining('has no manifest: it is no archive') })
  })

  it('leave a pinned archive to no pruning, also where the bucket has no Object Lock', async () => {
    const at = (day: string) => `2026-10-${day}T02:00:00.000Z`
    const other = { ...guest, id: '102' }
    const pinned = await putArchive(plain, other, at('01'))
    const goes = await putArchive(plain, other, at('02'))
    const stays = await putArchive(plain, other, at('03'))
    const first = await guestlift(plain, 'archive', 'pin', pinned, '--reason', 'before the move')
    expect(first).toMatchObject({ code: 0, out: `s3://archives/${pinned}: pinned.\n` })
    expect((await guestlift(plain, 'archive', 'pin', pinned)).out).toContain('pinned before.')
    expect((await guestlift(plain, 'show', pinned, '--utc')).out).toMatch(/^Pinned +since .*Z: before the move$/m)
    const pruneThere = () =>
      guestlift(
        plain,
        'prune',
        '--site',
        'hq',
        '--keep-last',
        '1',
        '--guest',
        '102',
        '--confirm',
        '--largest-share',
        '1',
      )
    expect((await pruneThere()).out).toContain('pinned: outside the count')
    const left = async (folder: string) => (await plain.all(folder)).length
    expect([await left(pinned), await left(goes), await left(stays)]).toEqual([2, 0, 2])

    const unpinned = await guestlift(plain, 'archive', 'unpin', pinned, '--json')
    expect(JSON.parse(unpinned.out)).toEqual({
      version: 1,
      bucket: 'archives',
      folder: pinned,
      pinned: false,
      changed: true,
    })
    expect((await guestlift(plain, 'archive', 'unpin', pinned)).out).toContain('was not pinned.')
    await pruneThere()
    expect(await left(pinned)).toBe(0)
  })

  it('show in `guestlift show --locks` what S3 has now, beside what the manifest noted', async () => {
    const at = '2026-11-10T02:00:00.000Z'
    const folder = await putArchive(bucket, { ...guest, id: '101' }, at)
    const manifest = JSON.parse((await bucket.store.readText(`${folder}manifest.json`))?.text ?? '')
    const versionId = (await bucket.store.head(`${folder}file`))?.versionId
    const lock = { mode: 'governance', until: '2099-01-01T00:00:00.000Z' }
    const noting = { ...manifest, artifacts: [{ ...manifest.artifacts[0], versionId, lock }] }
    await bucket.put(`${folder}manifest.json`, JSON.stringify(noting))
    const shown = async () => (await guestlift(bucket, 'show', '101', '--locks', '--utc')).out
    expect(await shown()).toMatch(/^Locked +until 2099-01-01 00:00:00Z \(governance\), as its manifest has it$/m)
    expect(await shown()).toMatch(/^Locked now +1 file of 1 without a lock$/m)
    await guestlift(bucket, 'archive', 'hold', folder)
    expect(await shown()).toMatch(/^Locked now +a legal hold$/m)
    const { guests } = JSON.parse((await guestlift(bucket, 'show', '101', '--locks', '--json')).out)
    expect(guests[0].locks).toEqual([{ fileName: 'file', lock: { legalHold: true } }])

    const trouble = { version: 1, verifiedAt: at, tool: 't', result: 'accepted', findings: [], notes: [], evidence: [] }
    const lockTrouble = 'It is not locked as it is to be.'
    await bucket.put(`${folder}verification.json`, JSON.stringify({ ...trouble, lockTrouble }))
    expect(await shown()).toMatch(/^Locked +LOCK MISSING\. It is not locked as it is to be\.$/m)
    await guestlift(bucket, 'archive', 'release', folder)
  })

  it('say that a bucket without Object Lock can hold nothing', async () => {
    const { code, error } = await guestlift(plain, 'archive', 'hold', '100')
    expect(code).toBe(1)
    expect(error).toMatch(/can't be locked: the bucket has no Object Lock/)
  })
})

describe('who may not see holds', () => {
  it('is refused, and not told that there is none', async () => {
    const Resource = ['arn:aws:s3:::archives/*']
    const holdsOf = (...Action: string[]) => {
      const identity = readPolicy({ Statement: [{ Effect: 'Allow', Action, Resource }] }, 'identity')
      const role = { name: 'r', arn: 'arn:aws:iam::000000000000:role/r', resource: [], identity }
      const credentials = openSession(role, 'test')
      const client = createS3Client({ endpoint: bucket.url, region: 'us-east-1', credentials, maxAttempts: 1 })
      return new S3HoldStore(client, 'archives')
    }
    const versionId = await bucket.put('archives/x', 'x')
    await holdsOf('s3:PutObjectLegalHold').setHold('archives/x', versionId, true)
    expect(await holdsOf('s3:GetObjectLegalHold').holdOf('archives/x', versionId)).toBe(true)
    await expect(holdsOf('s3:PutObjectLegalHold').holdOf('archives/x', versionId)).rejects.toMatchObject({
      name: 'StoreDenied',
      message: expect.stringContaining('(s3:GetObjectLegalHold)'),
    })
    await expect(holdsOf('s3:GetObjectLegalHold').setHold('archives/x', versionId, false)).rejects.toMatchObject({
      name: 'StoreDenied',
      message: expect.stringContaining('(s3:PutObjectLegalHold)'),
    })
  })
})

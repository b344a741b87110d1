import { crc32 } from 'node:zlib'
import { beforeEach, describe, expect, it } from 'vitest'
import { StoreDenied } from '../../../../functions/contracts/errors.ts'
import { crc32ToBase64 } from '../../../../functions/domain/transfer/crc32.ts'
import { proveCopy } from '../../../../functions/operations/verification/prove-copy.ts'
import { manifestOf } from '../../../fakes/manifest.ts'
import { MemoryStore } from '../../../fakes/memory-store.ts'

const folder = 'archives/hq/vm-100/2026-11-22T02-00-00Z/'
const DISK = `${folder}disk.vma.zst`
const LOG = `${folder}disk.log`
const MANIFEST = `${folder}manifest.json`
const lock = { mode: 'compliance', until: '2027-01-01T00:00:00.000Z' } as const
const now = () => new Date('2026-11-23T00:00:00.000Z')

let store: MemoryStore
let second: MemoryStore
const proof = () => proveCopy(folder, { store, second, now })

beforeEach(async () => {
  store = new MemoryStore(now)
  const body = Buffer.from('disk')
  await store.writeText(DISK, body)
  await store.writeText(LOG, 'log')
  const manifest = manifestOf('2026-11-22T02:00:00.000Z', [body.length])
  const checksum = `CRC32:${crc32ToBase64(crc32(body))}`
  const artifacts = manifest.artifacts.map((artifact) => ({ ...artifact, key: DISK, checksum }))
  await store.writeText(MANIFEST, JSON.stringify({ ...manifest, artifacts, sideFiles: [LOG] }))
  second = store.copy()
})

async function rewrite(change: (manifest: { artifacts: object[] }) => void): Promise<void> {
  const manifest = JSON.parse((await store.readText(MANIFEST))?.text ?? '')
  change(manifest)
  for (const each of [store, second]) await each.writeText(MANIFEST, JSON.stringify(manifest))
}

describe('an archive in a second bucket', () => {
  it('is proved by what that bucket says of it alone, with its lock', async () => {
    expect(await proof()).toEqual({ folder, state: 'proved', reasons: [] })
    second.locks.set(DISK, lock)
    store.objects.delete(DISK)
    expect(await proof()).toEqual({ folder, state: 'proved', reasons: [], lock })
  })

  it.each([
    [
      'its manifest is missing',
      async () => void second.objects.delete(MANIFEST),
      /^s3:\/\/memory\/archives.*manifest\.json is not there\.$/,
    ],
    ['its manifest is another', async () => void (await second.writeText(MANIFEST, '{}')), /is another manifest\.$/],
    ['a file is missing', async () => void second.objects.delete(DISK), /disk\.vma\.zst is not there\.$/],
    ['a file has other bytes', async () => void (await second.writeText(DISK, 'desk')), /and the archive has CRC32/],
    [
      'a side file is missing',
      async () => void second.objects.delete(LOG),
      /disk\.log is not there, or of another size/,
    ],
    [
      'a side file is cut',
      async () => void (await second.writeText(LOG, 'l')),
      /disk\.log is not there, or of another/,
    ],
    [
      'its lock is less than was noted of the first',
      () => rewrite(({ artifacts }) => void Object.assign(artifacts[0] ?? {}, { lock })),
      /is not locked as the first copy was/,
    ],
    ['the first is no archive', async () => void store.objects.delete(MANIFEST), /s3:\/\/memory.*has no manifest/],
    [
      'the first can not be read',
      async () => void (await store.writeText(MANIFEST, 'x')),
      /manifest\.json can't be read/,
    ],
  ])('is none where %s', async (_why, change, reason) => {
    await change()
    const { state, reasons } = await proof()
    expect(state).toBe('lacking')
    expect(reasons).toEqual([expect.stringMatching(reason)])
  })

  it('lacks nothing that the first bucket has lost itself', async () => {
    store.objects.delete(LOG)
    second.objects.delete(LOG)
    expect((await proof()).state).toBe('proved')
  })

  it('is not known where a bucket refuses to tell, which is no proof of anything', async () => {
    second.head = () => Promise.reject(new StoreDenied('access denied'))
    expect(await proof()).toEqual({ folder, state: 'not-known', reasons: ['access denied.'] })
    second.head = () => Promise.reject(new StoreDenied('Access denied. Ask for the right.'))
    expect((await proof()).reasons).toEqual(['Access denied. Ask for the right.'])
    second.head = () => Promise.reject(new TypeError('a fault of ours'))
    await expect(proof()).rejects.toThrow(TypeError)
  })
})

import { beforeEach, describe, expect, it } from 'vitest'
import type { StoredObject } from '../../../../functions/aws/archive-store.ts'
import type { HoldStore } from '../../../../functions/aws/version-store.ts'
import { StoreDenied } from '../../../../functions/contracts/errors.ts'
import { holdArchive } from '../../../../functions/operations/pruning/hold-archive.ts'
import { manifestOf } from '../../../fakes/manifest.ts'
import { MemoryStore } from '../../../fakes/memory-store.ts'

const folder = 'archives/hq/vm-100/2026-11-22T02-00-00Z/'
const DISK = `${folder}disk.vma.zst`
const LOG = `${folder}disk.log`
const MANIFEST = `${folder}manifest.json`

/** Every object has the version `v1`. */
class VersionedMemory extends MemoryStore {
  versionId: string | undefined = 'v1'
  override async head(key: string): Promise<StoredObject | undefined> {
    const found = await super.head(key)
    return found && { ...found, ...(this.versionId === undefined ? {} : { versionId: this.versionId }) }
  }
}

class MemoryHolds implements HoldStore {
  readonly held = new Set<string>()
  readonly asked: string[] = []
  /** Keys that S3 refuses, and keys of which it takes the call and does nothing. */
  readonly refused = new Set<string>()
  readonly deaf = new Set<string>()

  async holdOf(key: string): Promise<boolean> {
    return this.held.has(key)
  }

  async setHold(key: string, versionId: string, on: boolean): Promise<void> {
    this.asked.push(`${key} ${versionId} ${on ? 'on' : 'off'}`)
    if (this.refused.has(key)) throw new StoreDenied(`can't hold ${key}`)
    if (this.deaf.has(key)) return
    if (on) this.held.add(key)
    else this.held.delete(key)
  }
}

let store: VersionedMemory
let holds: MemoryHolds
const hold = (on = true) => holdArchive({ folder, on }, { store, holds })

beforeEach(async () => {
  store = new VersionedMemory()
  holds = new MemoryHolds()
  const manifest = manifestOf('2026-11-22T02:00:00.000Z', [3])
  const artifacts = manifest.artifacts.map((artifact) => ({ ...artifact, key: DISK, versionId: 'v1' }))
  await store.writeText(MANIFEST, JSON.stringify({ ...manifest, artifacts, sideFiles: [LOG] }))
  for (const key of [DISK, LOG, `${folder}verification.json`, `${DISK}.index.zst`]) await store.writeText(key, 'x')
})

describe('holding an archive', () => {
  it('holds every file of it, the manifest first, but for what each reading replaces', async () => {
    expect(await hold()).toEqual({ folder, on: true, settled: 3, changed: 3, left: [] })
    expect(holds.asked).toEqual([`${MANIFEST} v1 on`, `${LOG} v1 on`, `${DISK} v1 on`])
  })

  it('asks for nothing that is so already, and says so', async () => {
    await hold()
    holds.asked.length = 0
    expect(await hold()).toEqual({ folder, on: true, settled: 3, changed: 0, left: [] })
    expect(holds.asked).toEqual([])
  })

  it('names what is left when S3 refuses in between, and goes on from there when asked again', async () => {
    holds.refused.add(LOG)
    const { left, ...done } = await hold()
    expect(done).toMatchObject({ settled: 2, changed: 2 })
    expect(left).toEqual([{ key: LOG, reason: `can't hold ${LOG}.` }])
    holds.refused.clear()
    expect(await hold()).toMatchObject({ settled: 3, changed: 1, left: [] })
  })

  it('is an error when S3 refuses the first, since nothing was done then', async () => {
    holds.refused.add(MANIFEST)
    await expect(hold()).rejects.toMatchObject({ name: 'StoreDenied' })
    expect(holds.held.size).toBe(0)
  })

  it('believes no call that S3 took and did not carry out', async () => {
    holds.deaf.add(DISK)
    expect(await hold()).toMatchObject({
      settled: 2,
      changed: 2,
      left: [{ key: DISK, reason: 'S3 took the call and shows no hold.' }],
    })
    holds.deaf.clear()
    await hold()
    holds.deaf.add(DISK)
    expect((await hold(false)).left).toEqual([{ key: DISK, reason: 'S3 took the call and shows the hold still.' }])
  })

  it.each([
    [
      'has no manifest',
      async () => void (await store.remove(MANIFEST)),
      /^s3:\/\/memory\/archives.* has no manifest: it is no archive/,
    ],
    ['lacks a disk', async () => void (await store.remove(DISK)), /lacks .*disk\.vma\.zst\. Nothing was held\.$/],
    ['lacks a side file', async () => void (await store.remove(LOG)), /lacks .*disk\.log\. Nothing was held\.$/],
    [
      'has another version of a disk',
      async () => void (store.versionId = 'v2'),
      /is another version than the manifest names\. Nothing was held\.$/,
    ],
  ])('is refused where it %s, since it would look safe', async (_how, change, message) => {
    await change()
    await expect(hold()).rejects.toMatchObject({ name: 'ArchiveUnknown', message: expect.stringMatching(message) })
    expect(holds.asked).toEqual([])
  })

  it('is refused while somebody removes it', async () => {
    const list = store.listKeys.bind(store)
    store.listKeys = async (prefix) => [...(await list(prefix)), `${folder}gone.log`]
    await expect(hold()).rejects.toThrow(
      /^s3:\/\/memory\/archives.* is being removed: .*gone\.log was there and is gone\. Nothing was held/,
    )
    expect(await hold(false)).toMatchObject({ settled: 3 })
  })

  it('is refused in a bucket without versions, which has no Object Lock', async () => {
    store.versionId = undefined
    const manifest = JSON.parse((await store.readText(MANIFEST))?.text ?? '')
    delete manifest.artifacts[0].versionId
    await store.writeText(MANIFEST, JSON.stringify(manifest))
    await expect(hold()).rejects.toMatchObject({ name: 'LockMissing' })
    await expect(hold(false)).rejects.toMatchObject({ name: 'LockMissing' })
  })
})

describe('releasing an archive', () => {
  it('releases the manifest last', async () => {
    await hold()
    holds.asked.length = 0
    expect(await hold(false)).toEqual({ folder, on: false, settled: 3, changed: 3, left: [] })
    expect(holds.asked.at(-1)).toBe(`${MANIFEST} v1 off`)
  })

  it('takes what is left of a broken one, and is an error where nothing is', async () => {
    await hold()
    await store.remove(MANIFEST)
    await store.remove(LOG)
    expect(await hold(false)).toMatchObject({ settled: 1, changed: 1 })
    await store.remove(DISK)
    await expect(hold(false)).rejects.toMatchObject({ name: 'ArchiveUnknown', message: /^There is nothing in s3/ })
  })
})

import { beforeEach, describe, expect, it } from 'vitest'
import { pinArchive, pinnedNames, readPin, unpinArchive } from '../../../../functions/operations/books/pins.ts'
import { MemoryStore } from '../../../fakes/memory-store.ts'

const folder = 'vault/archives/hq/vm-100/2026-11-22T02-00-07Z/'
const PIN = 'vault/retention/hq/vm-100/pins/2026-11-22T02-00-07Z/pin.json'
const guest = { kind: 'vm', id: '100' } as const
const keyPrefix = 'vault/'
const now = () => new Date('2026-11-23T08:00:00.000Z')

let store: MemoryStore
const ports = () => ({ store, keyPrefix, now })

beforeEach(async () => {
  store = new MemoryStore(now)
  await store.writeText(`${folder}manifest.json`, '{}')
})

describe('pinning an archive', () => {
  it('leaves a record with the reason, of which the first stays', async () => {
    expect(await pinArchive(folder, 'before the move', ports())).toBe(true)
    expect(await pinArchive(folder, 'another reason', ports())).toBe(false)
    expect(await readPin(folder, ports())).toEqual({
      version: 1,
      folder,
      pinnedAt: '2026-11-23T08:00:00.000Z',
      reason: 'before the move',
    })
    expect(await pinnedNames('hq', guest, ports())).toEqual(new Set(['2026-11-22T02-00-07Z']))
    expect(await pinnedNames('hq', { kind: 'vm', id: '10' }, ports())).toEqual(new Set())
  })

  it('is undone, and undoing it again changes nothing', async () => {
    await pinArchive(folder, undefined, ports())
    expect(await readPin(folder, ports())).not.toHaveProperty('reason')
    expect(await unpinArchive(folder, ports())).toBe(true)
    expect(await unpinArchive(folder, ports())).toBe(false)
    expect(await readPin(folder, ports())).toBeUndefined()
    expect(await pinnedNames('hq', guest, ports())).toEqual(new Set())
  })

  it('is refused for what is no archive, and takes its record back where the archive went meanwhile', async () => {
    const refused = (message: string) => ({ name: 'ArchiveUnknown', message: expect.stringContaining(message) })
    await expect(pinArchive('vault/hq/', undefined, ports())).rejects.toMatchObject(
      refused('s3://memory/vault/hq/ has no manifest'),
    )
    await store.writeText('vault/elsewhere/manifest.json', '{}')
    await expect(pinArchive('vault/elsewhere/', undefined, ports())).rejects.toMatchObject(
      refused('no folder of an archive'),
    )
    const write = store.writeText.bind(store)
    store.writeText = async (...of) => {
      await store.remove(`${folder}manifest.json`)
      return write(...of)
    }
    await expect(pinArchive(folder, undefined, ports())).rejects.toMatchObject(
      refused('was removed while it was pinned'),
    )
    expect(store.objects.has(PIN)).toBe(false)
  })

  it('pins with a record that nobody can read as well', async () => {
    await store.writeText(PIN, 'scribbled over')
    expect(await readPin(folder, ports())).toBe('unreadable')
    expect((await pinnedNames('hq', guest, ports())).size).toBe(1)
    expect(await pinArchive(folder, undefined, ports())).toBe(false)
  })
})

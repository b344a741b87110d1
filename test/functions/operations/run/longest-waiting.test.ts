import { describe, expect, it } from 'vitest'
import { StoreUnavailable } from '../../../../functions/contracts/errors.ts'
import { jobSchema } from '../../../../functions/contracts/job.ts'
import { archiveFolder, catalogueIndexKey, manifestKey } from '../../../../functions/domain/books/object-keys.ts'
import { longestWaitingFirst } from '../../../../functions/operations/run/longest-waiting.ts'
import { planRun } from '../../../../functions/operations/run/plan-run.ts'
import { writeCatalogue } from '../../../../functions/operations/catalogue/write-catalogue.ts'
import { manifestOf } from '../../../fakes/manifest.ts'
import { type FakePorts, fakePorts, item } from '../../../fakes/ports.ts'

const guestOf = (id: number, node = 'pve1') => ({ ...item.guest, id: String(id), name: `g${id}`, node })

/** A whole archive; `writtenAt` is by our clock, `createdAt` by the platform's. */
async function archive(ports: FakePorts, guest: ReturnType<typeof guestOf>, createdAt: string, more: object = {}) {
  const folder = archiveFolder('', 'hq', guest, createdAt)
  await ports.store.writeText(`${folder}file`, 'vma')
  const manifest = manifestOf(createdAt, [3], guest)
  const artifacts = manifest.artifacts.map((one) => ({ ...one, key: `${folder}file`, fileName: 'file' }))
  await ports.store.writeText(manifestKey(folder), JSON.stringify({ ...manifest, artifacts, ...more }))
}

const orderOf = async (ports: FakePorts, guests: readonly ReturnType<typeof guestOf>[]) => {
  await writeCatalogue({ site: 'hq' }, ports)
  const ordered = await longestWaitingFirst(
    'hq',
    guests.map((guest) => ({ guest })),
    ports,
  )
  return ordered.map(({ guest: { id } }) => id)
}

describe('the order of a run', () => {
  it('begins with guests that have no archive, then those with the oldest', async () => {
    const ports = fakePorts()
    const [young, old, never] = [guestOf(100), guestOf(101), guestOf(102)]
    await archive(ports, young, '2026-11-01T00:00:00.000Z')
    await archive(ports, young, '2026-11-20T00:00:00.000Z')
    await archive(ports, old, '2026-11-10T00:00:00.000Z')
    expect(await orderOf(ports, [young, old, never])).toEqual(['102', '101', '100'])
  })

  it('goes by our clock where the platform’s was years ahead', async () => {
    const ports = fakePorts()
    const [ahead, other] = [guestOf(100), guestOf(101)]
    await archive(ports, ahead, '2031-01-01T00:00:00.000Z', { writtenAt: '2026-11-01T00:00:00.000Z' })
    await archive(ports, other, '2026-11-10T00:00:00.000Z')
    expect(await orderOf(ports, [other, ahead])).toEqual(['100', '101'])
  })

  it('takes a guest that got the id of another for one that was never archived', async () => {
    const ports = fakePorts()
    const was = { ...guestOf(100), identity: { id: 'smbios:0f0e0d0c-0b0a-4009-8807-060504030201', witness: 'ctime:1' } }
    const is = { ...guestOf(100), identity: { id: 'smbios:1f0e0d0c-0b0a-4009-8807-060504030201', witness: 'ctime:2' } }
    const other = guestOf(101)
    await archive(ports, was, '2026-11-20T00:00:00.000Z')
    await archive(ports, other, '2026-11-10T00:00:00.000Z')
    expect(await orderOf(ports, [other, was])).toEqual(['101', '100'])
    expect(await orderOf(ports, [other, is])).toEqual(['100', '101'])
  })

  it('is that of the ids where no index can be read, and fails nothing', async () => {
    const ports = fakePorts()
    const items = [100, 101].map((id) => ({ guest: guestOf(id) }))
    ports.store.readText = () => Promise.reject(new StoreUnavailable('S3 is away'))
    expect(await longestWaitingFirst('hq', items, ports)).toEqual(items)
    await ports.store.remove(catalogueIndexKey('', 'hq', guestOf(100)))
    expect(ports.logged).toMatchObject([{ event: 'order-unknown' }])
  })

  it('lets no guest starve, however few of them a night serves', async () => {
    const ports = fakePorts()
    const guests = [100, 101, 102, 103, 104, 105, 106].map((id) => guestOf(id, id % 2 === 0 ? 'pve1' : 'pve2'))
    ports.fakeProvider.guests = guests.map((guest) => ({ ...guest, nodeOffline: false }))
    const job = jobSchema.parse({ site: 'hq', guests: { all: true } })
    const nights: string[][] = []
    for (let night = 1; night <= 12; night += 1) {
      const at = `2026-11-${String(night).padStart(2, '0')}T02:00:00.000Z`
      const run = { id: `night-${night}`, startedAt: at, prefix: `runs/night-${night}/` }
      const { planKey } = await planRun({ ...item, run, job }, ports)
      const plan = JSON.parse((await ports.store.readText(planKey))?.text ?? '') as { guest: { id: string } }[]
      // Each node serves one guest before the night is over.
      const served = plan.slice(0, 2).map(({ guest: { id } }) => id)
      nights.push(served)
      for (const guest of guests) if (served.includes(guest.id)) await archive(ports, guest, at)
      await writeCatalogue({ site: 'hq' }, ports)
    }
    // Four guests on the fuller node: each has its turn in any four nights.
    for (let first = 0; first + 4 <= nights.length; first += 1) {
      expect(new Set(nights.slice(first, first + 4).flat()).size).toBe(7)
    }
  })
})

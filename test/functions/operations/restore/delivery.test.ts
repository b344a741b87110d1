import { crc32 } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { ConnectionDropped, TargetFull } from '../../../../functions/contracts/errors.ts'
import { paceSchema } from '../../../../functions/contracts/pace.ts'
import { deliveredKey, restorePrefix, verificationKey } from '../../../../functions/domain/books/object-keys.ts'
import { keepLease } from '../../../../functions/operations/books/restore-leases.ts'
import { checkTarget } from '../../../../functions/operations/restore/check-target.ts'
import { deliverParts } from '../../../../functions/operations/restore/deliver-parts.ts'
import { targetOf } from '../../../../functions/operations/restore/delivery-target.ts'
import { finishDelivery } from '../../../../functions/operations/restore/finish-delivery.ts'
import { planDelivery } from '../../../../functions/operations/restore/plan-delivery.ts'
import { sumOf } from '../../../fakes/memory-delivery.ts'
import { type Bed, openBed, RESTORE, STARTED_AT, WORK } from './bed.ts'

const MIB = 2 ** 20
/** Two ranges and a bit. */
const body = Buffer.alloc(130 * MIB, 'an archive of a guest')
const refused = {
  version: 1,
  verifiedAt: STARTED_AT,
  tool: 't',
  result: 'refused',
  findings: [{ code: 'damaged', message: 'Cluster 7 is missing.' }],
  notes: [],
  evidence: [],
}
const order = { seconds: 60, partsInFlight: 1 }

async function checkedBed(changes: Record<string, unknown> = {}): Promise<Bed> {
  const bed = await openBed(body)
  await bed.plan(changes)
  await checkTarget(WORK, bed.ports)
  return bed
}

const plan = (bed: Bed, results: Parameters<typeof planDelivery>[0]['results'] = []) =>
  planDelivery({ ...WORK, pace: paceSchema.parse({}), results }, bed.ports)
const deliver = (bed: Bed, firstPart: number, lastPart: number) =>
  deliverParts({ ...WORK, chunk: { firstPart, lastPart }, order }, bed.ports)
const finish = (bed: Bed) => finishDelivery({ ...WORK, bytesSent: body.length }, bed.ports)

describe('delivering the file of an archive', () => {
  it('brings each range once, and gives the file its name when all of them make the archive', async () => {
    const bed = await checkedBed()
    const planned = await plan(bed)
    expect(planned).toMatchObject({ chunks: [{ firstPart: 1, lastPart: 3 }], missingBytes: body.length })
    const result = await deliver(bed, 1, 3)
    expect(result).toMatchObject({ partsSent: 3, bytesSent: body.length })
    expect(await plan(bed, [result])).toMatchObject({ chunks: [], waitSeconds: 0, missingBytes: 0 })
    await finish(bed)
    const [[name, pieces] = ['', new Map<number, Buffer>()]] = bed.delivery.files
    expect(name).toContain((await bed.record()).token)
    expect(sumOf(pieces)).toBe(crc32(body))
    expect((await bed.record()).steps.deliveredAt).toBeDefined()
  })

  it('leaves it to the platform to find a damaged file, unless a guest would be lost for one', async () => {
    const fresh = await checkedBed()
    expect(targetOf(await fresh.record()).provesItself).toBe(true)
    const replacing = await checkedBed({ replace: true })
    expect(targetOf(await replacing.record()).provesItself).toBe(false)
    const { place, ...older } = await fresh.record()
    if (place === undefined) throw new Error('there is no place')
    // As a record of an earlier version says nothing of it.
    const { provesItself: _unknown, ...silent } = place
    expect(targetOf({ ...older, place: silent }).provesItself).toBe(false)
  })

  it('goes on with what is proved to lie there, whoever brought it', async () => {
    const bed = await checkedBed()
    await plan(bed)
    await deliver(bed, 2, 2)
    expect((await plan(bed)).missingBytes).toBe(body.length - 64 * MIB)
    expect(await deliver(bed, 1, 3)).toMatchObject({ partsSent: 2 })
    expect(bed.delivery.brought).toEqual([64 * MIB, 0, 128 * MIB])
  })

  it('begins anew when the file has vanished, and says so', async () => {
    const bed = await checkedBed()
    await plan(bed)
    await deliver(bed, 1, 3)
    bed.delivery.files.clear()
    expect((await plan(bed)).missingBytes).toBe(body.length)
    expect((await bed.record()).warnings).toHaveLength(1)
    await deliver(bed, 1, 3)
    await finish(bed)
    expect([...bed.delivery.files.values()].map(sumOf)).toEqual([crc32(body)])
  })

  it('counts the time of delivery from its first plan, and keeps what was remarked before', async () => {
    const bed = await openBed(body)
    await bed.ports.store.writeText(verificationKey(bed.folder), JSON.stringify(refused))
    await bed.plan({ despiteRefused: true })
    await checkTarget(WORK, bed.ports)
    const [remark] = (await bed.record()).warnings
    await plan(bed)
    const { steps } = await bed.record()
    expect(steps).toMatchObject({ checkedAt: STARTED_AT, deliveryBegunAt: STARTED_AT })
    bed.pass(60)
    await plan(bed)
    await deliver(bed, 1, 1)
    bed.delivery.files.clear()
    await plan(bed)
    const record = await bed.record()
    expect(record.steps).toEqual(steps)
    expect(record.warnings).toHaveLength(2)
    expect(record.warnings[0]).toBe(remark)
    expect(record.generation).toBe(1)
  })

  it('believes no range of which two sums are written down', async () => {
    const bed = await checkedBed()
    await plan(bed)
    await deliver(bed, 1, 3)
    const prefix = restorePrefix('', RESTORE.id, STARTED_AT)
    await bed.ports.store.writeText(deliveredKey(prefix, 0, { part: 2, crc32: 7 }), '')
    expect((await plan(bed)).missingBytes).toBe(64 * MIB)
    await expect(finish(bed)).rejects.toMatchObject({ name: 'ChecksumMismatch' })
  })

  it('gives no name to a file that is another than the manifest says', async () => {
    const bed = await checkedBed()
    await plan(bed)
    await deliver(bed, 1, 2)
    const prefix = restorePrefix('', RESTORE.id, STARTED_AT)
    await bed.ports.store.writeText(deliveredKey(prefix, 0, { part: 3, crc32: 7 }), '')
    await expect(finish(bed)).rejects.toMatchObject({ name: 'ChecksumMismatch' })
    expect([...bed.delivery.files.keys()].filter((name) => !name.endsWith('.partial'))).toEqual([])
  })

  it('reads no other object than the one that was chosen', async () => {
    const bed = await checkedBed()
    bed.ports.store.objects.set(bed.key, { body, etag: '"another"' })
    await expect(deliver(bed, 1, 1)).rejects.toMatchObject({ name: 'ArchiveConflict' })
  })

  it('opens a connection that broke again, and leaves a full disk to whoever plans', async () => {
    const bed = await checkedBed()
    let broken = 2
    const { bring } = { bring: new ConnectionDropped('cut') }
    const delivery = bed.delivery
    const open = delivery.open.bind(delivery)
    delivery.open = async (target) => {
      broken -= 1
      if (broken > 0) throw bring
      return open(target)
    }
    expect(await deliver(bed, 1, 1)).toMatchObject({ drops: 1, partsSent: 1 })
    delivery.fails.bring = new TargetFull('full')
    await expect(deliver(bed, 2, 2)).rejects.toMatchObject({ name: 'TargetFull' })
  })

  it('brings nothing once another restore has the id', async () => {
    const bed = await checkedBed()
    bed.pass(3_600)
    const other = { restore: { id: 'restore-2', startedAt: STARTED_AT }, execution: 'arn:restore:two' }
    await keepLease(other, await bed.record(), bed.ports)
    await expect(deliver(bed, 1, 1)).rejects.toMatchObject({ name: 'RestoreRefused' })
    expect(bed.delivery.brought).toEqual([])
  })
})

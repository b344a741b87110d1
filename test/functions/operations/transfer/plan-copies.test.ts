import { describe, expect, it } from 'vitest'
import { type CopyResult, paceSchema } from '../../../../functions/contracts/pace.ts'
import type { TaskInput, TaskOutput } from '../../../../functions/contracts/tasks.ts'
import type { Upload } from '../../../../functions/contracts/upload.ts'
import { LEASE_SECONDS } from '../../../../functions/domain/backup/guest-claim.ts'
import { copyParts } from '../../../../functions/operations/transfer/copy-parts.ts'
import { planCopies } from '../../../../functions/operations/transfer/plan-copies.ts'
import { execution, item, itemOf } from '../../../fakes/ports.ts'
import { copyInput, putPart, type Scene, scene, smallUpload } from './fake-source.ts'

const GIB = 2 ** 30

function input(on: Scene, upload: Upload, changes: Partial<TaskInput<'PlanCopies'>> = {}): TaskInput<'PlanCopies'> {
  return { item, execution, artifact: on.artifact, upload, pace: paceSchema.parse({}), results: [], ...changes }
}

/** An upload that pretends to be of a large source: its parts are never read. */
async function largeUpload(on: Scene, sizeBytes: number): Promise<Upload> {
  const partSizeBytes = 64 * 2 ** 20
  const partCount = Math.ceil(sizeBytes / partSizeBytes)
  return {
    ...(await smallUpload(on)),
    partSizeBytes,
    partCount,
    source: { sizeBytes, modifiedAt: on.source.modifiedAt },
  }
}

const failed = (Error: string): CopyResult => ({
  bytesSent: 0,
  partsSent: 0,
  seconds: 0,
  throttles: 0,
  drops: 0,
  error: { Error, Cause: '{"errorMessage":"the line is down"}' },
})

describe('planning the copies of an archive', () => {
  it('copies a small archive with one stream, and is done when S3 has every part', async () => {
    const on = scene()
    const upload = await smallUpload(on)
    const planned = await planCopies(input(on, upload), on.ports)
    expect(planned).toMatchObject({ chunks: [{ firstPart: 1, lastPart: 10 }], waitSeconds: 0, missingBytes: 9999 })
    const { order = { seconds: 1, partsInFlight: 1 } } = planned
    const result = await copyParts(copyInput(on, upload, { order }), on.ports)
    const after = await planCopies(input(on, upload, { pace: planned.pace, results: [result] }), on.ports)
    expect(after).toMatchObject({ chunks: [], waitSeconds: 0, missingBytes: 0, pace: { bytesSent: 9999 } })
    expect(after.gaveUp).toBeUndefined()
  })

  it('deals out only what S3 lacks', async () => {
    const on = scene()
    const upload = await smallUpload(on)
    for (const partNumber of [1, 2, 3, 9]) await putPart(on, upload, partNumber)
    const planned = await planCopies(input(on, upload), on.ports)
    expect(planned.chunks).toEqual([{ firstPart: 4, lastPart: 10 }])
    expect(planned.missingBytes).toBe(5 * 1000 + 999)
  })

  it('never runs more streams to a node than the site allows, over all transfers', async () => {
    const on = scene()
    on.ports.siteLimits = async () => ({ connectionsPerNode: 3, windows: [], timezone: 'UTC' })
    const upload = await largeUpload(on, 40 * GIB)
    const one = await planCopies(input(on, upload), on.ports)
    const other = { ...itemOf('run-2'), guest: { ...item.guest, id: '101' } }
    const two = await planCopies(input(on, upload, { item: other, execution: 'two' }), on.ports)
    const third = { ...itemOf('run-3'), guest: { ...item.guest, id: '102' } }
    const three = await planCopies(input(on, upload, { item: third, execution: 'three' }), on.ports)
    expect(one.chunks).toHaveLength(2)
    expect(two.chunks).toHaveLength(1)
    expect(three).toMatchObject({ chunks: [], reason: expect.stringMatching(/connections to node pve1/) })
    expect(three.waitSeconds).toBeGreaterThan(0)
  })

  it('gives its share back when it has nothing to copy', async () => {
    const on = scene()
    on.ports.siteLimits = async () => ({ connectionsPerNode: 1, windows: [], timezone: 'UTC' })
    const upload = await smallUpload(on)
    const { pace, order = { seconds: 1, partsInFlight: 1 } } = await planCopies(input(on, upload), on.ports)
    const result = await copyParts(copyInput(on, upload, { order }), on.ports)
    await planCopies(input(on, upload, { pace, results: [result] }), on.ports)
    const other = { ...itemOf('run-2'), guest: { ...item.guest, id: '101' } }
    const large = await largeUpload(on, GIB)
    const two = await planCopies(input(on, large, { item: other, execution: 'two' }), on.ports)
    expect(two.chunks).toHaveLength(1)
  })

  it('shares the bandwidth of the site among its streams', async () => {
    const on = scene()
    on.ports.siteLimits = async () => ({ connectionsPerNode: 4, mibPerSecond: 10, windows: [], timezone: 'UTC' })
    const planned = await planCopies(input(on, await largeUpload(on, 40 * GIB)), on.ports)
    expect(planned.chunks.length * (planned.order?.bytesPerSecond ?? 0)).toBeLessThanOrEqual(10 * 2 ** 20)
    expect(planned.order?.bytesPerSecond).toBeGreaterThan(4 * 2 ** 20)
  })

  it('waits while the run lets nothing move, alive all the time, and says until when', async () => {
    const on = scene()
    const windows = [{ from: '01:00', to: '05:00', mibPerSecond: 0 }]
    const paused = { ...item, limits: { windows, timezone: 'UTC' } }
    const upload = await smallUpload(on)
    const planned = await planCopies(input(on, upload, { item: paused }), on.ports)
    expect(planned).toMatchObject({ chunks: [], reason: expect.stringMatching(/the run .*2026-11-22T05:00:00/) })
    expect(planned.waitSeconds).toBeGreaterThan(60)
    expect(planned.waitSeconds).toBeLessThan(LEASE_SECONDS)
    on.ports.clock.now = new Date('2026-11-22T05:00:00.000Z')
    expect((await planCopies(input(on, upload, { item: paused }), on.ports)).chunks).toHaveLength(1)
  })

  it('goes on with fewer streams after failures while something arrives, and gives up when nothing does for two hours', async () => {
    const on = scene()
    const upload = await largeUpload(on, 40 * GIB)
    let planned: TaskOutput<'PlanCopies'> = await planCopies(input(on, upload), on.ports)
    let waitedSeconds = 0
    for (let round = 0; planned.gaveUp === undefined; round++) {
      expect(round).toBeLessThan(200)
      waitedSeconds += planned.waitSeconds
      const results = planned.chunks.map(() => failed('ConnectionDropped'))
      planned = await planCopies(input(on, upload, { pace: planned.pace, results }), on.ports)
    }
    expect(waitedSeconds).toBeGreaterThan(1.5 * 3600)
    expect(waitedSeconds).toBeLessThan(3 * 3600)
    expect(planned.gaveUp).toMatchObject({
      Error: 'ConnectionDropped',
      Cause: expect.stringMatching(/the line is down/),
    })
  })

  it('holds fewer parts in memory after a function ran out of it, and gives up the third time without a part', async () => {
    const on = scene()
    const upload = await largeUpload(on, 40 * GIB)
    let planned = await planCopies(input(on, upload), on.ports)
    const seen: number[] = []
    for (let round = 0; planned.gaveUp === undefined && round < 20; round++) {
      if (planned.order !== undefined) seen.push(planned.order.partsInFlight)
      const results = planned.chunks.map(() => failed('Runtime.OutOfMemory'))
      planned = await planCopies(input(on, upload, { pace: planned.pace, results }), on.ports)
    }
    expect(seen).toEqual([4, 2, 1])
    expect(planned.gaveUp?.Error).toBe('Runtime.OutOfMemory')
  })

  it('keeps the guest claimed while it copies, and leaves it alone once another execution has it', async () => {
    const on = scene()
    const upload = await smallUpload(on)
    await planCopies(input(on, upload), on.ports)
    const later = (seconds: number) => {
      on.ports.clock.now = new Date(on.ports.clock.now.getTime() + seconds * 1000)
    }
    later(LEASE_SECONDS - 10)
    await planCopies(input(on, upload), on.ports)
    later(LEASE_SECONDS - 10)
    const second = input(on, upload, { execution: 'another execution of the same run' })
    await expect(planCopies(second, on.ports)).rejects.toMatchObject({
      name: 'GuestBusy',
      message: expect.stringMatching(/another execution of the same run/),
    })
    later(11)
    await expect(planCopies(second, on.ports)).resolves.toMatchObject({ waitSeconds: 0 })
    await expect(planCopies(input(on, upload), on.ports)).rejects.toMatchObject({ name: 'GuestBusy' })
  })

  it('takes a ledger that is unreadable for no empty one: what others were promised is in it', async () => {
    const on = scene()
    await on.ports.store.writeText('streams/hq.json', 'garbage')
    await expect(planCopies(input(on, await smallUpload(on)), on.ports)).rejects.toMatchObject({
      name: 'RecordUnreadable',
      message: expect.stringContaining('s3://memory/streams/hq.json'),
    })
    expect((await on.ports.store.readText('streams/hq.json'))?.text).toBe('garbage')
  })

  it('says UploadVanished when somebody aborted the upload', async () => {
    const on = scene()
    const upload = await smallUpload(on)
    await on.ports.store.abortUpload(on.key, upload.uploadId)
    await expect(planCopies(input(on, upload), on.ports)).rejects.toMatchObject({ name: 'UploadVanished' })
  })
})

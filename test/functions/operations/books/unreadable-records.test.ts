/** A record that can't be read isn't empty: nothing is begun, overwritten or claimed on the strength of it. */
import { describe, expect, it } from 'vitest'
import {
  dumpQueueKey,
  outcomeKey,
  planKey,
  streamLedgerKey,
  verificationsOfDayPrefix,
} from '../../../../functions/domain/books/object-keys.ts'
import { askForTurn, leaveQueue } from '../../../../functions/operations/backup/dump-turns.ts'
import { reportRun } from '../../../../functions/operations/run/report-run.ts'
import { startBackup } from '../../../../functions/operations/backup/start-backup.ts'
import { releaseStreams, reserveStreams } from '../../../../functions/operations/books/stream-reservations.ts'
import { findStored } from '../../../../functions/operations/transfer/already-stored.ts'
import { readAtLength } from '../../../../functions/operations/verification/verifications-under-way.ts'
import { recordOutcome } from '../../../../functions/operations/books/outcomes.ts'
import { writeManifest } from '../../../../functions/operations/transfer/write-manifest.ts'
import { locateArchive } from '../../../../functions/operations/backup/locate-archive.ts'
import { goodEvidence, stored } from '../../../fakes/evidence.ts'
import { execution, fakePorts, item } from '../../../fakes/ports.ts'
import { scene } from '../transfer/fake-source.ts'

const broken = [
  ['is cut short', '{"version":1,"turns":[', 'RecordUnreadable'],
  ['is empty', '', 'RecordUnreadable'],
  ['is a web page', '<html>Sign in</html>', 'RecordUnreadable'],
  ['lacks what it must have', '{"version":1}', 'RecordUnreadable'],
  ['is of a newer version', '{"version":2,"lanes":[]}', 'RecordTooNew'],
] as const

const streams = { execution, runId: 'run-1', node: 'pve1', guest: '100', streams: 4, partSizeBytes: 1e6 }
const limits = { connectionsPerNode: 4, siteBytesPerSecond: undefined, runBytesPerSecond: undefined }

describe('a ledger that can not be read', () => {
  it.each(broken)('starts no dump and stays as it is, where the queue %s', async (_how, text, name) => {
    const ports = fakePorts()
    const key = dumpQueueKey('', 'hq')
    await ports.store.writeText(key, text)
    await expect(startBackup({ item, execution }, ports)).rejects.toMatchObject({ name })
    await expect(leaveQueue({ item, execution }, ports)).rejects.toThrow(`s3://memory/${key}`)
    expect(ports.fakeProvider.calls.filter((call) => call.startsWith('startBackup'))).toEqual([])
    expect((await ports.store.readText(key))?.text).toBe(text)
  })

  it.each(broken)('gives no streams and stays as it is, where the ledger of streams %s', async (_how, text, name) => {
    const ports = fakePorts()
    const key = streamLedgerKey('', 'hq')
    await ports.store.writeText(key, text)
    await expect(reserveStreams('hq', streams, limits, ports)).rejects.toMatchObject({ name })
    await expect(releaseStreams('hq', execution, ports)).rejects.toMatchObject({ name })
    expect((await ports.store.readText(key))?.text).toBe(text)
  })

  it('keeps what a newer version wrote, for itself and for each who waits', async () => {
    const ports = fakePorts()
    await askForTurn({ item, execution }, item.guest, ports.fakeProvider, ports)
    const key = dumpQueueKey('', 'hq')
    const queue = JSON.parse((await ports.store.readText(key))?.text ?? '')
    const [turn] = queue.turns
    await ports.store.writeText(key, JSON.stringify({ ...queue, lanes: 2, turns: [{ ...turn, lane: { no: 1 } }] }))
    const other = { ...item, guest: { ...item.guest, id: '101' } }
    await askForTurn({ item: other, execution: 'two' }, other.guest, ports.fakeProvider, ports)
    const after = JSON.parse((await ports.store.readText(key))?.text ?? '')
    expect(after).toMatchObject({ lanes: 2, turns: [{ lane: { no: 1 } }] })
    expect(after.waiters).toHaveLength(1)
  })
})

describe('a manifest that can not be read', () => {
  it.each(['', '{"version":1', '{"version":2,"writtenBy":"guestlift/9"}', '[]'])(
    'is a conflict, whatever it holds: %j',
    async (text) => {
      const ports = fakePorts()
      ports.fakeProvider.evidence = goodEvidence
      const located = await locateArchive({ item, jobRef: 'job-1' }, ports)
      const key = stored.key.replace(stored.fileName, 'manifest.json')
      await ports.store.writeText(key, text)
      await expect(writeManifest({ item, ...located, stored: [stored] }, ports)).rejects.toMatchObject({
        name: 'ArchiveConflict',
        message: expect.stringContaining(key),
      })
      expect((await ports.store.readText(key))?.text).toBe(text)
    },
  )

  it('is a conflict for an upload whose object is there, and no SyntaxError', async () => {
    const on = scene()
    await on.ports.store.writeText(on.key, 'an object')
    const folder = on.key.slice(0, on.key.lastIndexOf('/') + 1)
    await on.ports.store.writeText(`${folder}manifest.json`, '{"version":')
    const source = { sizeBytes: on.source.body.length, modifiedAt: on.source.modifiedAt }
    await expect(
      findStored(on.ports, { item, artifact: on.artifact }, folder, source, undefined),
    ).rejects.toMatchObject({ name: 'ArchiveConflict', message: expect.stringContaining(`${folder}manifest.json`) })
  })
})

describe("a run's records that can not be read", () => {
  const input = { run: item.run, site: 'hq', planKey: planKey(item.run.prefix), notes: [] }

  it('fail the report where it is the plan: how many guests there were is not zero', async () => {
    const ports = fakePorts()
    await ports.store.writeText(input.planKey, '[{')
    await expect(reportRun(input, ports)).rejects.toMatchObject({ name: 'RecordUnreadable' })
  })

  it('count as failed where it is one outcome, and keep nobody else from being reported', async () => {
    const ports = fakePorts()
    await ports.store.writeText(input.planKey, '[]')
    const good = { id: '101', name: 'db', outcome: 'succeeded' as const, verdict: 'archived', reason: '' }
    await recordOutcome(item.run, { ...good, artifacts: [], bytesSent: 0, seconds: 1 }, ports)
    await ports.store.writeText(outcomeKey(item.run.prefix, '100'), '{"id":"100"')
    expect(await reportRun(input, ports)).toMatchObject({ outcome: 'partial', succeeded: 1, failed: 1 })
  })

  it('stop a verification from reading what an earlier one may be reading', async () => {
    const ports = fakePorts()
    const startedAt = '2026-11-22T03:00:00.000Z'
    await ports.store.writeText(`${verificationsOfDayPrefix('', startedAt)}earlier/plan.json`, '[')
    await expect(readAtLength('own/', startedAt, ports)).rejects.toMatchObject({ name: 'RecordUnreadable' })
  })
})

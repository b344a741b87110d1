import { describe, expect, it } from 'vitest'
import { recordFailure } from '../../../../functions/operations/backup/record-failure.ts'
import { startBackup } from '../../../../functions/operations/backup/start-backup.ts'
import { goodEvidence, stored } from '../../../fakes/evidence.ts'
import { execution, type FakePorts, fakePorts, item, itemOf } from '../../../fakes/ports.ts'

const error = { Error: 'StoreDenied', Cause: '403' }
const next = { item: itemOf('the-next-night'), execution: `${execution}-next` }

/** A guest whose dump ended well and whose run was then refused by S3. */
async function failed(): Promise<FakePorts> {
  const ports = fakePorts()
  await startBackup({ item, execution }, ports)
  ports.fakeProvider.evidence = goodEvidence
  await recordFailure({ item, execution, error }, ports)
  return ports
}

const asks = ({ fakeProvider }: FakePorts) => fakeProvider.calls.filter((call) => call.startsWith('startBackup')).length
const days = (ports: FakePorts, count: number) => {
  ports.clock.now = new Date(ports.clock.now.getTime() + count * 86_400_000)
}

describe('a job that was kept', () => {
  it('is gone on with by the next run, which starts no second backup', async () => {
    const ports = await failed()
    days(ports, 1)
    expect(await startBackup(next, ports)).toMatchObject({ jobRef: 'job-1', adopted: true })
    expect(asks(ports)).toBe(1)
  })

  it('is gone on with after further failures, for two weeks from the first', async () => {
    const ports = await failed()
    for (const night of [1, 2]) {
      days(ports, 6)
      const work = { item: itemOf(`night-${night}`), execution: `${execution}-${night}` }
      expect(await startBackup(work, ports)).toMatchObject({ jobRef: 'job-1' })
      await recordFailure({ ...work, error }, ports)
    }
    days(ports, 3)
    ports.fakeProvider.jobs = []
    expect(await startBackup(next, ports)).toMatchObject({ adopted: false })
    expect(asks(ports)).toBe(2)
  })

  it.each([
    ['its archive is gone from the storage', { ...goodEvidence, listed: undefined }],
    ['its log was rotated away', { ...goodEvidence, logComplete: false }],
  ])('is forgotten where %s: the guest is backed up anew in the same run', async (_why, { listed, ...evidence }) => {
    const ports = await failed()
    ports.fakeProvider.evidence = { ...evidence, ...(listed === undefined ? {} : { listed }) }
    ports.fakeProvider.jobs = []
    expect(await startBackup(next, ports)).toMatchObject({ adopted: false })
    expect(asks(ports)).toBe(2)
  })

  it('is forgotten where its archive has a manifest: a run that died after that gave the guest its archive', async () => {
    const ports = await failed()
    await ports.store.writeText(stored.key.replace(stored.fileName, 'manifest.json'), '{}')
    ports.fakeProvider.jobs = []
    expect(await startBackup(next, ports)).toMatchObject({ adopted: false })
  })

  it.each([
    ['another guest has the id by now', { ...item, guest: { ...item.guest, name: 'scratch' } }],
    ['other options are asked for', { ...item, backup: { ...item.backup, mode: 'stop' as const } }],
  ])('is forgotten where %s', async (_why, { guest, backup }) => {
    const ports = await failed()
    ports.fakeProvider.guests = [{ ...guest, nodeOffline: false }]
    ports.fakeProvider.jobs = []
    const work = { item: { ...itemOf('the-next-night'), guest, backup }, execution: `${execution}-next` }
    expect(await startBackup(work, ports)).toMatchObject({ adopted: false })
    expect(asks(ports)).toBe(2)
  })

  it('is not started a second time where the claim that names it is unreadable or of a newer version', async () => {
    for (const [text, name] of [
      ['{"version":1,"runId"', 'RecordUnreadable'],
      ['', 'RecordUnreadable'],
      ['{"version":2}', 'RecordTooNew'],
    ] as const) {
      const ports = await failed()
      await ports.store.writeText('claims/hq/vm-100.json', text)
      await expect(startBackup(next, ports)).rejects.toMatchObject({ name })
      expect(asks(ports)).toBe(1)
    }
  })

  it('keeps what a newer version wrote into the claim', async () => {
    const ports = await failed()
    const key = 'claims/hq/vm-100.json'
    const claim = JSON.parse((await ports.store.readText(key))?.text ?? '')
    await ports.store.writeText(key, JSON.stringify({ ...claim, phase: { of: 3 } }))
    await startBackup(next, ports)
    expect(JSON.parse((await ports.store.readText(key))?.text ?? '')).toMatchObject({
      runId: 'the-next-night',
      phase: { of: 3 },
    })
  })
})

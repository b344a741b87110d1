import { describe, expect, it } from 'vitest'
import { BackupStartUnclear, StorageUnusable } from '../../../../functions/contracts/errors.ts'
import type { BackupEvidence } from '../../../../functions/contracts/evidence.ts'
import { dropUpload } from '../../../../functions/operations/books/drop-upload.ts'
import { noteProgress } from '../../../../functions/operations/books/guest-progress.ts'
import { streamLedgerKey } from '../../../../functions/domain/books/object-keys.ts'
import { streamLedgerShape } from '../../../../functions/operations/books/shapes.ts'
import { readRecord } from '../../../../functions/operations/books/stored-json.ts'
import { reserveStreams } from '../../../../functions/operations/books/stream-reservations.ts'
import { recordFailure } from '../../../../functions/operations/backup/record-failure.ts'
import { startBackup } from '../../../../functions/operations/backup/start-backup.ts'
import {
  readUploadRecord,
  type UploadRecord,
  writeUploadRecord,
} from '../../../../functions/operations/books/upload-record.ts'
import { artifact, goodEvidence, stored } from '../../../fakes/evidence.ts'
import { execution, type FakePorts, fakePorts, item } from '../../../fakes/ports.ts'

/** An open upload for `key`, with its record, as Open upload leaves them. */
async function openUploadFor(key: string, ports: FakePorts): Promise<string> {
  const uploadId = await ports.store.createUpload(key)
  const { partSizeBytes, partCount, source } = stored
  const record: UploadRecord = {
    version: 1,
    key,
    uploadId,
    partSizeBytes,
    partCount,
    source: { ...source, artifactRef: artifact.artifactRef },
    openedAt: '2026-11-22T02:00:00.000Z',
  }
  await writeUploadRecord(ports, record, undefined)
  return uploadId
}

/** A guest whose archive was located and whose upload is open, beside a longer upload of an earlier archive. */
async function failing() {
  const ports = fakePorts()
  await startBackup({ item, execution }, ports)
  await ports.store.writeText(
    `${item.run.prefix}evidence/100.json`,
    JSON.stringify({ evidence: goodEvidence, log: '' }),
  )
  const own = await openUploadFor(stored.key, ports)
  const other = await openUploadFor(stored.key.replaceAll('02-00-07', '01-00-00'), ports)
  return { ports, own, other }
}

const error = (name: string) => ({ Error: name, Cause: JSON.stringify({ errorType: name, errorMessage: 'why' }) })

describe('recording a failure', () => {
  it('aborts the upload of this archive, and leaves alone one that another run fills for the same guest', async () => {
    const { ports, own, other } = await failing()
    const outcome = await recordFailure({ item, execution, error: error('SourceChanged') }, ports)
    expect(outcome).toMatchObject({ outcome: 'failed', verdict: 'SourceChanged', reason: 'why' })
    expect([...ports.store.uploads.keys()]).toEqual([other])
    expect(ports.store.uploads.has(own)).toBe(false)
    expect(await ports.store.listKeys('uploads/')).toHaveLength(1)
  })

  it('gives back the streams that its copy held, and no others', async () => {
    const { ports } = await failing()
    const asked = { runId: item.run.id, node: 'pve1', guest: '100', streams: 2, partSizeBytes: 2 ** 20 }
    const limits = { connectionsPerNode: 4, siteBytesPerSecond: undefined, runBytesPerSecond: undefined }
    for (const by of [execution, 'other']) await reserveStreams('hq', { ...asked, execution: by }, limits, ports)
    await recordFailure({ item, execution, error: error('StoreDenied') }, ports)
    const ledger = await readRecord(ports.store, streamLedgerKey('', 'hq'), streamLedgerShape)
    expect(ledger?.reservations.map((one) => one.execution)).toEqual(['other'])
  })

  it('records the failure whatever goes wrong with the clean-up, and says what is left', async () => {
    const { ports } = await failing()
    ports.fakeProvider.running = true
    ports.fakeProvider.stop = () => Promise.reject(new TypeError('nobody foresaw this'))
    const outcome = await recordFailure({ item, execution, error: error('SourceChanged') }, ports)
    expect(outcome.reason).toBe('why. Clean-up: stopping the job failed: nobody foresaw this')
    expect(await ports.store.listKeys(`${item.run.prefix}guests/`)).toHaveLength(1)
  })

  it.each([
    'ConnectionDropped',
    'StoreDenied',
    'TlsIdentityMismatch',
    'CredentialsRejected',
    'SourceUnreadable',
    'InternalFault',
  ])('keeps upload, record and job after %s, which says nothing about the bytes', async (name) => {
    const { ports, own } = await failing()
    await recordFailure({ item, execution, error: error(name) }, ports)
    expect(ports.store.uploads.has(own)).toBe(true)
    expect(await ports.store.listKeys('uploads/')).toHaveLength(2)
    const claim = JSON.parse((await ports.store.readText('claims/hq/vm-100.json'))?.text ?? '')
    expect(claim).toMatchObject({ released: true, jobRef: 'job-1', keptSince: ports.now().toISOString() })
  })

  it.each([
    'BackupFailed',
    'SourceChanged',
    'ShortRead',
    'ChecksumMismatch',
    'NotAnArchive',
    'ArchiveConflict',
    'RunInterrupted',
  ])('drops upload, record and job after %s', async (name) => {
    const { ports, own } = await failing()
    await recordFailure({ item, execution, error: error(name) }, ports)
    expect(ports.store.uploads.has(own)).toBe(false)
    expect(await ports.store.listKeys('uploads/')).toHaveLength(1)
    const claim = JSON.parse((await ports.store.readText('claims/hq/vm-100.json'))?.text ?? '')
    expect(claim).not.toHaveProperty('jobRef')
  })

  it('keeps the record that alone proves a finished object, whatever failed, until there is a manifest', async () => {
    const { ports } = await failing()
    const kept = await readUploadRecord(ports, stored.key)
    if (kept === undefined) throw new Error('no record')
    await writeUploadRecord(ports, { ...kept.record, crc32: 7 }, kept)
    await ports.store.writeText(stored.key, 'the finished object')
    await recordFailure({ item, execution, error: error('NotAnArchive') }, ports)
    expect(await readUploadRecord(ports, stored.key)).toMatchObject({ record: { crc32: 7 } })
    await ports.store.writeText(stored.key.replace(artifact.fileName, 'manifest.json'), '{}')
    await dropUpload(stored.key, ports)
    expect(await readUploadRecord(ports, stored.key)).toBeUndefined()
  })

  it('touches neither job nor upload where the claim is unreadable, and still says why the guest failed', async () => {
    const { ports, own } = await failing()
    ports.fakeProvider.running = true
    await ports.store.writeText('claims/hq/vm-100.json', '{"version":1,')
    const outcome = await recordFailure({ item, execution, error: error('SourceChanged') }, ports)
    expect(outcome.reason).toMatch(/^why\. Clean-up: The claim s3:\/\/memory\/claims\/hq\/vm-100.json can't be read: /)
    expect(ports.store.uploads.has(own)).toBe(true)
    expect(ports.fakeProvider.calls).not.toContain('stopBackup job-1')
    expect((await ports.store.readText('claims/hq/vm-100.json'))?.text).toBe('{"version":1,')
  })

  it('stops a job that still runs, and lets whoever repeats the guest start another', async () => {
    const { ports } = await failing()
    ports.fakeProvider.running = true
    await recordFailure({ item, execution, error: error('ConnectionDropped') }, ports)
    expect(ports.fakeProvider.calls).toEqual(expect.arrayContaining(['stopBackup job-1', 'awaitUnlocked 100']))
    ports.fakeProvider.running = false
    ports.fakeProvider.jobs = []
    const again = await startBackup({ item, execution: `${execution}-again` }, ports)
    expect(again).toMatchObject({ adopted: false })
  })

  it('leaves a job that ended alone, so that its archive is gone on with', async () => {
    const { ports } = await failing()
    await recordFailure({ item, execution, error: error('ConnectionDropped') }, ports)
    expect(ports.fakeProvider.calls).not.toContain('stopBackup job-1')
    ports.fakeProvider.evidence = goodEvidence
    const again = await startBackup({ item, execution: `${execution}-again` }, ports)
    expect(again).toMatchObject({ adopted: true, jobRef: 'job-1' })
  })

  it('tells of a lock that stays, with the way to take it off', async () => {
    const { ports } = await failing()
    ports.fakeProvider.leftLock = { lock: 'backup', advice: 'Guest 100 stays locked (backup): run "qm unlock 100".' }
    const outcome = await recordFailure({ item, execution, error: error('BackupFailed') }, ports)
    expect(outcome.reason).toBe('why. Guest 100 stays locked (backup): run "qm unlock 100".')
    expect(await ports.store.listKeys(`${item.run.prefix}guests/`)).toHaveLength(1)
  })

  describe('finds what the job left on the platform', () => {
    const leaving = { ...item, deleteSource: true }
    const removeWith = `pvesm free '${artifact.artifactRef}'`
    const removed = `release ${artifact.artifactRef}`

    async function copying(evidence: BackupEvidence = { ...goodEvidence, removeWith }) {
      const { ports } = await failing()
      await ports.store.writeText(`${item.run.prefix}evidence/100.json`, JSON.stringify({ evidence, log: '' }))
      ports.fakeProvider.evidence = evidence
      return ports
    }

    it('and removes the archive that was to leave it when a person gave the run up', async () => {
      const ports = await copying()
      const outcome = await recordFailure({ item: leaving, execution, error: error('RunInterrupted') }, ports)
      expect(ports.fakeProvider.calls).toContain(removed)
      expect(outcome.reason).toBe(`why. Its archive ${artifact.artifactRef} was removed from node pve1.`)
    })

    it.each([
      ['one that is to stay there', item, 'RunInterrupted', {}],
      ['one that a repetition goes on with', leaving, 'ConnectionDropped', {}],
      ['one whose bytes are in question', leaving, 'SourceChanged', {}],
      [
        'one that has changed',
        leaving,
        'RunInterrupted',
        { listed: { ...artifact, sizeBytes: 7 }, listedAgainSizeBytes: 7 },
      ],
    ])('but never %s', async (_, work, name, since) => {
      const ports = await copying()
      ports.fakeProvider.evidence = { ...goodEvidence, removeWith, ...since }
      const outcome = await recordFailure({ item: work, execution, error: error(name) }, ports)
      expect(ports.fakeProvider.calls.filter((call) => call.startsWith('release'))).toEqual([])
      // What was to leave and stays is told, with the way to remove it.
      expect(outcome.reason.includes(removeWith)).toBe(work.deleteSource)
    })

    it('also where the job had ended and nobody had looked at its archive yet', async () => {
      const ports = fakePorts()
      await startBackup({ item: leaving, execution }, ports)
      ports.fakeProvider.evidence = { ...goodEvidence, removeWith }
      await recordFailure({ item: leaving, execution, error: error('RunInterrupted') }, ports)
      expect(ports.fakeProvider.calls).toContain(removed)
    })

    it('and says how to remove what could not be', async () => {
      const ports = await copying()
      ports.fakeProvider.onDelete = () => Promise.reject(new StorageUnusable('it is protected.'))
      const { reason } = await recordFailure({ item: leaving, execution, error: error('RunInterrupted') }, ports)
      expect(reason).toContain(`remove it there: ${removeWith}.`)
      expect(reason).toContain('it is protected.')
    })

    it('of a backup that failed after its archive was whole, and of a worker that was killed', async () => {
      const what = artifact.artifactRef
      const partial = { what: '/mnt/x.tar.dat', node: 'pve1', remove: "rm '/mnt/x.tar.dat'" }
      const { listed: _, listedAgainSizeBytes: __, ...failed } = goodEvidence
      const evidence: BackupEvidence = {
        ...failed,
        ending: 'errors',
        guestFinished: false,
        left: [{ what, node: 'pve1', remove: removeWith, artifactRef: what }, partial],
      }
      const ports = await copying(evidence)
      const kept = await recordFailure({ item, execution, error: error('BackupFailed') }, ports)
      expect(kept.reason).toContain(
        `The job left ${what} on node pve1. If you don't need it, remove it there: ${removeWith}.`,
      )
      expect(kept.reason).toContain('may have left /mnt/x.tar.dat on node pve1')
      expect(ports.fakeProvider.calls).not.toContain(removed)
      const again = await copying(evidence)
      await recordFailure({ item: leaving, execution, error: error('BackupFailed') }, again)
      expect(again.fakeProvider.calls).toContain(removed)
    })
  })

  it('says that nothing was copied where the last look at the dump is older than its end', async () => {
    const { ports } = await failing()
    await noteProgress(item, { stage: 'dumping' }, { percent: 32 }, ports)
    const { reason } = await recordFailure({ item, execution, error: error('RunInterrupted') }, ports)
    expect(reason).toBe('why. Its backup was complete, and nothing of it was copied yet.')
  })

  it('looks for the job whose start was never answered, and leaves what does not bear its token alone', async () => {
    const ports = fakePorts()
    ports.fakeProvider.jobs = [{ jobRef: 'theirs', startedAt: '2026-11-22T02:00:00.000Z', running: false }]
    ports.fakeProvider.onStart = () => Promise.reject(new BackupStartUnclear('lost'))
    await expect(startBackup({ item, execution }, ports)).rejects.toThrow('lost')
    ports.fakeProvider.jobs = [
      { jobRef: 'alike', startedAt: '2026-11-22T02:00:07.000Z', running: true },
      { jobRef: 'ours', startedAt: '2026-11-22T02:00:06.000Z', running: true },
      { jobRef: 'theirs', startedAt: '2026-11-22T02:00:00.000Z', running: true },
    ]
    ports.fakeProvider.marks = { alike: {}, ours: { token: '0000000000000000' }, theirs: {} }
    await recordFailure({ item, execution, error: error('BackupStartUnclear') }, ports)
    expect(ports.fakeProvider.calls.filter((call) => call.startsWith('stopBackup'))).toEqual(['stopBackup ours'])
  })

  it('does not stop a job that shows nothing yet, and says which one to look at', async () => {
    const ports = fakePorts()
    ports.fakeProvider.onStart = () => Promise.reject(new BackupStartUnclear('lost'))
    await expect(startBackup({ item, execution }, ports)).rejects.toThrow('lost')
    ports.fakeProvider.jobs = [{ jobRef: 'queued', startedAt: '2026-11-22T02:00:06.000Z', running: true }]
    const outcome = await recordFailure({ item, execution, error: error('RunInterrupted') }, ports)
    expect(ports.fakeProvider.calls.filter((call) => call.startsWith('stopBackup'))).toEqual([])
    expect(outcome.reason).toContain('The job queued runs and may be the one that was asked for')
  })
})

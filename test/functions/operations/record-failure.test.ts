import { describe, expect, it } from 'vitest'
import { recordFailure } from '../../../functions/operations/record-failure.ts'
import { startBackup } from '../../../functions/operations/start-backup.ts'
import { type UploadRecord, writeUploadRecord } from '../../../functions/operations/upload-record.ts'
import { artifact, goodEvidence, stored } from '../../fakes/evidence.ts'
import { execution, type FakePorts, fakePorts, item } from '../../fakes/ports.ts'

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

  it('records the failure whatever goes wrong with the clean-up, and says what is left', async () => {
    const { ports } = await failing()
    ports.fakeProvider.stopBackup = () => Promise.reject(new TypeError('nobody foresaw this'))
    const outcome = await recordFailure({ item, execution, error: error('SourceChanged') }, ports)
    expect(outcome.reason).toBe('why Clean-up: stopping the job failed: nobody foresaw this')
    expect(await ports.store.listKeys(`${item.run.prefix}guests/`)).toHaveLength(1)
  })

  it('keeps the upload when a later attempt may go on with it', async () => {
    const { ports, own } = await failing()
    await recordFailure({ item, execution, error: error('ConnectionDropped') }, ports)
    expect(ports.store.uploads.has(own)).toBe(true)
  })
})

/** A refusal that says nothing about the bytes: what stays of them, and what makes an archive of them afterwards. */
import { zstdCompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { manifestSchema } from '../../../../functions/contracts/manifest.ts'
import type { SourceArtifact } from '../../../../functions/contracts/nouns.ts'
import type { PlanItem } from '../../../../functions/contracts/plan-item.ts'
import { uploadRecordSchema } from '../../../../functions/contracts/upload-record.ts'
import { newClaim } from '../../../../functions/domain/backup/guest-claim.ts'
import { listPrices } from '../../../../functions/domain/prices/list-prices.ts'
import { manifestKey } from '../../../../functions/domain/books/object-keys.ts'
import { adoptUnfinished } from '../../../../functions/operations/sweep/adopt-unfinished.ts'
import { completeUpload } from '../../../../functions/operations/transfer/complete-upload.ts'
import { copyParts } from '../../../../functions/operations/transfer/copy-parts.ts'
import { findUnfinished, type FoundUnfinished } from '../../../../functions/operations/sweep/find-unfinished.ts'
import { locateArchive } from '../../../../functions/operations/backup/locate-archive.ts'
import { openUpload } from '../../../../functions/operations/transfer/open-upload.ts'
import { recordFailure } from '../../../../functions/operations/backup/record-failure.ts'
import { removeUnfinished } from '../../../../functions/operations/sweep/remove-unfinished.ts'
import { startBackup } from '../../../../functions/operations/backup/start-backup.ts'
import { sweepUploads } from '../../../../functions/operations/sweep/sweep-uploads.ts'
import { goodEvidence } from '../../../fakes/evidence.ts'
import { MemoryVersions } from '../../../fakes/memory-versions.ts'
import { execution, type FakePorts, item, itemOf } from '../../../fakes/ports.ts'
import { vma } from '../../archive-formats/proxmox/made-archives.ts'
import { FakeSource, PART_BYTES, type Scene, scene } from '../transfer/fake-source.ts'

const archive = zstdCompressSync(await vma())
const denied = { Error: 'StoreDenied', Cause: '403' }
const folder = 'archives/hq/vm-100/2026-11-22T02-00-00Z/'

/** A site whose guest's backup makes a real archive of some kilobytes, in parts of 1,000 bytes. */
function dumped(): Scene {
  const on = scene(archive.length)
  const source = new FakeSource(archive)
  const ports: FakePorts = { ...on.ports, route: async () => source }
  const { fileName } = on.artifact
  const its = { ...goodEvidence, archiveName: fileName, listed: on.artifact, listedAgainSizeBytes: archive.length }
  ports.fakeProvider.evidence = its
  return { ...on, ports, source }
}

/** One run of the guest up to an open upload in small parts. */
async function begin(on: Scene, its: PlanItem) {
  const work = { item: its, execution: `${execution}-${its.run.id}` }
  const started = await startBackup(work, on.ports)
  if (!('jobRef' in started) || started.jobRef === undefined) throw new Error('not started')
  const { artifacts } = await locateArchive({ item: its, jobRef: started.jobRef }, on.ports)
  const [artifact = on.artifact] = artifacts
  await openUpload({ item: its, artifact }, on.ports)
  const text = (await on.ports.store.readText(on.recordKey))?.text ?? ''
  const partCount = Math.ceil(archive.length / PART_BYTES)
  const small = { ...uploadRecordSchema.parse(JSON.parse(text)), partSizeBytes: PART_BYTES, partCount }
  await on.ports.store.writeText(on.recordKey, JSON.stringify(small))
  const { upload } = await openUpload({ item: its, artifact }, on.ports)
  return { started, work: { ...work, artifact, upload } }
}

async function copy(
  on: Scene,
  { work }: { work: Omit<Parameters<typeof copyParts>[0], 'chunk' | 'order'> & { artifact: SourceArtifact } },
  lastPart: number,
): Promise<number> {
  const chunk = { firstPart: 1, lastPart }
  return (await copyParts({ ...work, chunk, order: { seconds: 600, partsInFlight: 4 } }, on.ports)).bytesSent
}

/** A guest whose object is whole and whose manifest S3 refused. */
async function withoutManifest(): Promise<Scene> {
  const on = dumped()
  const begun = await begin(on, item)
  const bytesSent = await copy(on, begun, begun.work.upload.partCount)
  await completeUpload({ ...begun.work, bytesSent }, on.ports)
  await recordFailure({ ...begun.work, error: denied }, on.ports)
  return on
}

const portsOf = ({ ports }: Scene) => ({ ...ports, prices: listPrices, versions: new MemoryVersions(ports.store) })

async function found(on: Scene): Promise<FoundUnfinished> {
  for await (const one of findUnfinished({}, portsOf(on))) return one
  throw new Error('nothing is unfinished')
}

describe('a run that S3 refuses at 95 % of an archive', () => {
  it('is gone on with by the next run, which sends only the missing parts and dumps nothing', async () => {
    const on = dumped()
    const tonight = await begin(on, item)
    const { partCount } = tonight.work.upload
    const sent = await copy(on, tonight, partCount - 1)
    await recordFailure({ ...tonight.work, error: denied }, on.ports)

    on.ports.clock.now = new Date('2026-11-23T02:00:00.000Z')
    const tomorrow = await begin(on, itemOf('tomorrow'))
    expect(tomorrow.started).toMatchObject({ jobRef: 'job-1', adopted: true })
    expect(tomorrow.work.upload.uploadId).toBe(tonight.work.upload.uploadId)
    expect(await copy(on, tomorrow, partCount)).toBe(archive.length - sent)
    await completeUpload({ ...tomorrow.work, bytesSent: 0 }, on.ports)
    expect(on.ports.store.objects.get(on.key)?.body.equals(archive)).toBe(true)
    expect(on.ports.fakeProvider.calls.filter((call) => call.startsWith('startBackup'))).toHaveLength(1)
  })
})

describe('a finished object whose manifest could not be written', () => {
  it('is found and priced, and adopted by its record and evidence', async () => {
    const on = await withoutManifest()
    const unfinished = await found(on)
    expect(unfinished.archive).toMatchObject({ folder, state: 'adoptable', sizeBytes: archive.length, files: 1 })
    expect(unfinished.archive.dollarsPerMonth).toBeGreaterThanOrEqual(0)

    await adoptUnfinished(unfinished, true, on.ports)
    expect(await on.ports.store.head(manifestKey(folder))).toBeUndefined()
    await adoptUnfinished(unfinished, false, on.ports)
    const manifest = manifestSchema.parse(JSON.parse((await on.ports.store.readText(manifestKey(folder)))?.text ?? ''))
    expect(manifest).toMatchObject({ runId: 'run-1', verdict: { good: true }, artifacts: [{ key: on.key }] })
    expect(await on.ports.store.listKeys('uploads/')).toEqual([])
    await expect(found(on)).rejects.toThrow('nothing is unfinished')
  })

  it('is adopted with all its files, and not while one of them is unproven', async () => {
    const on = dumped()
    const two = [on.artifact, { ...on.artifact, artifactRef: 'disk-2', fileName: 'disks/two.raw' }]
    const { listed: _listed, listedAgainSizeBytes: _again, archiveName: _name, ...ended } = goodEvidence
    const sources = two.map((artifact) => ({ artifact, listedAgainSizeBytes: archive.length }))
    on.ports.fakeProvider.evidence = { ...ended, sources }
    on.ports.fakeProvider.judgeJob = () => undefined
    const begun = await begin(on, item)
    const store = async (artifact: SourceArtifact) => {
      const { upload } = await openUpload({ item, artifact }, on.ports)
      const work = { ...begun.work, artifact, upload }
      await copy(on, { work }, upload.partCount)
      await completeUpload({ ...work, bytesSent: 0 }, on.ports)
    }
    for (const artifact of two) await store(artifact)
    await recordFailure({ ...begun.work, error: denied }, on.ports)

    const whole = await found(on)
    const first = { ...whole, witnesses: whole.witnesses.slice(0, 1) }
    await expect(adoptUnfinished(first, false, on.ports)).rejects.toThrow(/no record proves its file/)
    expect(await on.ports.store.head(manifestKey(folder))).toBeUndefined()
    await adoptUnfinished(whole, false, on.ports)
    const manifest = manifestSchema.parse(JSON.parse((await on.ports.store.readText(manifestKey(folder)))?.text ?? ''))
    expect(manifest.artifacts.map(({ fileName }) => fileName)).toEqual(two.map(({ fileName }) => fileName))
  })

  it('is not adopted where the object is another than the one that the record is about', async () => {
    const on = await withoutManifest()
    await on.ports.store.writeText(on.key, 'x'.repeat(archive.length))
    await expect(adoptUnfinished(await found(on), false, on.ports)).rejects.toMatchObject({ name: 'ArchiveConflict' })
    expect(await on.ports.store.head(manifestKey(folder))).toBeUndefined()
  })

  it('is not adopted where the evidence of its backup is gone', async () => {
    const on = await withoutManifest()
    await on.ports.store.remove(`${item.run.prefix}evidence/100.json`)
    await expect(adoptUnfinished(await found(on), false, on.ports)).rejects.toThrow(/evidence of its backup/)
  })

  it('is left alone while a run holds the guest, and where claim or record can not be read', async () => {
    for (const [key, text, state] of [
      [
        'claims/hq/vm-100.json',
        JSON.stringify(newClaim({ runId: 'r', execution: 'e' }, new Date('2026-11-22T02:00:00Z'))),
        'under-way',
      ],
      ['claims/hq/vm-100.json', '{"version":1', 'unclear'],
      ['claims/hq/vm-100.json', '{"version":2}', 'unclear'],
      [`uploads/${folder}vzdump-qemu-100-2026_11_22-02_00_00.vma.zst.json`, '', 'unclear'],
    ] as const) {
      const on = await withoutManifest()
      await on.ports.store.writeText(key, text)
      const unfinished = await found(on)
      expect(unfinished.archive.state).toBe(state)
      await expect(adoptUnfinished(unfinished, false, on.ports)).rejects.toMatchObject({ name: 'ArchiveConflict' })
      await expect(removeUnfinished(unfinished, false, portsOf(on))).rejects.toMatchObject({ name: 'ArchiveConflict' })
      expect(await on.ports.store.head(on.key)).toBeDefined()
    }
  })

  it('goes with its record when a person removes it, and not in a dry run', async () => {
    const on = await withoutManifest()
    await removeUnfinished(await found(on), true, portsOf(on))
    expect(await on.ports.store.head(on.key)).toBeDefined()
    await removeUnfinished(await found(on), false, portsOf(on))
    expect(await on.ports.store.listKeys('archives/')).toEqual([])
    expect(await on.ports.store.listKeys('uploads/')).toEqual([])
  })

  it('goes without the record that a run writes in that moment: it is of the next archive', async () => {
    const on = await withoutManifest()
    const ports = portsOf(on)
    const removeVersion = ports.versions.removeVersion.bind(ports.versions)
    ports.versions.removeVersion = async (version) => {
      const text = (await on.ports.store.readText(on.recordKey))?.text ?? ''
      await on.ports.store.writeText(on.recordKey, text.replace(/"uploadId": *"[^"]*"/, '"uploadId": "of the next"'))
      return removeVersion(version)
    }
    await removeUnfinished(await found(on), false, ports)
    expect(await on.ports.store.listKeys('archives/')).toEqual([])
    expect((await on.ports.store.readText(on.recordKey))?.text).toContain('of the next')
  })

  it('is not removed once it has a manifest: somebody finished it since it was listed', async () => {
    const on = await withoutManifest()
    const unfinished = await found(on)
    await adoptUnfinished(unfinished, false, on.ports)
    await expect(removeUnfinished(unfinished, false, portsOf(on))).rejects.toThrow(/has a manifest now/)
    expect(await on.ports.store.head(on.key)).toBeDefined()
  })

  it('is reported by the sweep, which keeps its record for ever', async () => {
    const on = await withoutManifest()
    on.ports.clock.now = new Date('2027-03-01T02:00:00.000Z')
    const order = { sweepId: 's', startedAt: '2027-03-01T02:00:00.000Z', dryRun: false }
    const { summary, removedRecords } = await sweepUploads(order, on.ports)
    expect(summary).toMatch(
      /1 folder among the archives without a manifest, .* a month: see guestlift unfinished list\./,
    )
    expect(removedRecords).toBe(0)
    expect((await found(on)).archive.state).toBe('adoptable')
  })
})

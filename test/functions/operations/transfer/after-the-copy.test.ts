import { pathOf } from '../../../../functions/domain/transfer/source-path.ts'
import { ended } from '../../../fakes/ended.ts'
import { zstdCompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { manifestSchema } from '../../../../functions/contracts/manifest.ts'
import { PlatformUnavailable, PrivilegeMissing, StoreUnavailable } from '../../../../functions/contracts/errors.ts'
import { noCopyWork } from '../../../../functions/domain/transfer/copy-work.ts'
import { locateArchive } from '../../../../functions/operations/backup/locate-archive.ts'
import { releaseBackup } from '../../../../functions/operations/backup/release-backup.ts'
import { startBackup } from '../../../../functions/operations/backup/start-backup.ts'
import { writeManifest } from '../../../../functions/operations/transfer/write-manifest.ts'
import { begun } from '../../../fakes/begun.ts'
import { artifact, goodEvidence, stored } from '../../../fakes/evidence.ts'
import { vma, vmConfiguration } from '../../archive-formats/proxmox/made-archives.ts'
import { execution, fakePorts, item, itemOf } from '../../../fakes/ports.ts'

async function located() {
  const ports = fakePorts()
  ports.fakeProvider.evidence = goodEvidence
  const { artifacts, verdict, evidenceKey } = await locateArchive({ item, jobRef: 'job-1' }, ports)
  return { ports, manifestInput: { item, artifacts, stored: [stored], verdict, evidenceKey } }
}

describe('locating the archive', () => {
  it('keeps evidence and log even when the backup failed, since that log is what the operator needs', async () => {
    const ports = fakePorts()
    ports.fakeProvider.evidence = { ...goodEvidence, ending: 'errors', exitStatus: 'job errors', guestFinished: false }
    await expect(locateArchive({ item, jobRef: 'job-1' }, ports)).rejects.toMatchObject({
      name: 'BackupFailed',
      message: expect.stringMatching(/^Site hq: the backup of guest 100 .*evidence\/100\.json/),
    })
    const kept = JSON.parse((await ports.store.readText(`${item.run.prefix}evidence/100.json`))?.text ?? '')
    expect(kept).toMatchObject({ evidence: { exitStatus: 'job errors' } })
    expect(kept.sideFiles[0]).toMatchObject({ text: expect.stringContaining('TASK OK') })
  })
})

describe('after a good backup', () => {
  it('tells of a lock that stays, with the way to take it off, in verdict and evidence', async () => {
    const ports = fakePorts()
    ports.fakeProvider.evidence = goodEvidence
    const advice =
      'Guest 100 stays locked (backup). If no backup of it runs any more, run "qm unlock 100" on node pve1.'
    ports.fakeProvider.leftLock = { lock: 'backup', advice }
    const { verdict, evidenceKey } = await locateArchive({ item, jobRef: 'job-1' }, ports)
    expect(verdict).toMatchObject({
      name: 'archived-with-warnings',
      good: true,
      reason: expect.stringContaining(advice),
    })
    const kept = JSON.parse((await ports.store.readText(evidenceKey))?.text ?? '')
    expect(kept.evidence.leftLock).toBe(advice)
  })

  it('loses nothing when the guest can’t be looked at, and tries again when the platform is away', async () => {
    const ports = fakePorts()
    ports.fakeProvider.evidence = goodEvidence
    ports.fakeProvider.locks.awaitFreed = () => Promise.reject(new PrivilegeMissing('VM.Audit'))
    expect((await locateArchive({ item, jobRef: 'job-1' }, ports)).verdict.name).toBe('archived')
    expect(ports.logged).toContainEqual(expect.objectContaining({ event: 'lock-not-seen' }))
    ports.fakeProvider.locks.awaitFreed = () => Promise.reject(new PlatformUnavailable('away'))
    await expect(locateArchive({ item, jobRef: 'job-1' }, ports)).rejects.toThrow('away')
  })

  it('warns of a mode that was not asked for', async () => {
    const ports = fakePorts()
    ports.fakeProvider.evidence = { ...goodEvidence, used: { mode: 'suspend' } }
    const { verdict } = await locateArchive({ item, jobRef: 'job-1' }, ports)
    expect(verdict).toMatchObject({ name: 'archived-with-warnings', reason: expect.stringContaining('mode suspend') })
  })
})

describe('an archive that is less than its job requires', () => {
  const require = { consistency: 'file-system', complete: false, accept: [] } as const
  const demanding = { ...item, require: { ...require, accept: [] } }
  const grade = {
    consistency: 'crash' as const,
    reason: 'The agent is dead.',
    expected: 'file-system' as const,
    advice: 'Start it.',
    gaps: [{ name: 'snapshots' as const, what: 'its snapshots' }],
  }

  async function released(its: typeof item) {
    const ports = fakePorts()
    const { jobRef } = begun(await startBackup({ item: its, execution }, ports))
    ports.fakeProvider.evidence = { ...goodEvidence, jobRef, grade }
    const { artifacts, verdict, evidenceKey } = await locateArchive({ item: its, jobRef }, ports)
    const moved = { item: its, artifacts, stored: [stored], verdict }
    const { manifestKey } = await writeManifest({ ...moved, evidenceKey }, ports)
    const manifest = manifestSchema.parse(JSON.parse((await ports.store.readText(manifestKey))?.text ?? ''))
    const { startedAt } = its.run
    const outcome = await releaseBackup({ ...moved, execution, manifestKey, startedAt }, ports)
    return { ports, outcome, manifest }
  }

  it('is stored with its manifest, which tells the grade and what is missing, and its guest counts as failed', async () => {
    const { outcome, manifest } = await released(demanding)
    const missing = 'It is crash consistent, and the job requires file-system consistent: The agent is dead. Start it.'
    expect(manifest).toMatchObject({ evidence: { grade }, verdict: { good: true, unmet: [missing] } })
    expect(outcome).toMatchObject({
      outcome: 'failed',
      verdict: 'GradeNotReached',
      grade: { consistency: 'crash', gaps: ['snapshots'] },
      artifacts: [{ key: stored.key }],
      manifestKey: expect.stringContaining('manifest.json'),
    })
    expect(outcome.reason).toMatch(
      /^Site hq: the archive of guest 100 is stored and can be restored, but it is less than/,
    )
    expect(outcome.reason).toContain(missing)
  })

  it('is a success with a warning where the job requires nothing', async () => {
    const { outcome, manifest } = await released(item)
    expect(outcome).toMatchObject({ outcome: 'succeeded', verdict: 'archived-with-warnings' })
    expect(outcome.reason).toMatch(/crash consistent and not file-system consistent.*It lacks its snapshots\./)
    expect(manifest.verdict).not.toHaveProperty('unmet')
  })

  it('leaves nothing to go on with: repeating the guest makes a new backup', async () => {
    const { ports } = await released(demanding)
    ports.fakeProvider.jobs = ports.fakeProvider.jobs.map((job) => ({ ...job, running: false }))
    const again = await startBackup({ item: demanding, execution: 'another' }, ports)
    expect(again).toMatchObject({ adopted: false })
  })

  it('is told as such, whatever has become of the evidence', async () => {
    const { ports, manifestInput } = await located()
    const unmet = ['It lacks its snapshots.']
    const verdict = { ...manifestInput.verdict, name: 'archived-with-warnings' as const, unmet }
    const { manifestKey } = await writeManifest({ ...manifestInput, verdict }, ports)
    await ports.store.writeText(manifestInput.evidenceKey, '<html>')
    const { evidenceKey: _key, ...moved } = manifestInput
    const startedAt = item.run.startedAt
    const outcome = await releaseBackup({ ...moved, verdict, execution, manifestKey, startedAt }, ports)
    expect(outcome).toMatchObject({ outcome: 'failed', verdict: 'GradeNotReached' })
    expect(outcome).not.toHaveProperty('grade')
  })
})

describe('locating an archive again, after the execution that did it first has died', () => {
  it('finds the same one', async () => {
    const ports = fakePorts()
    ports.fakeProvider.evidence = goodEvidence
    const first = await locateArchive({ item, jobRef: 'job-1' }, ports)
    expect(await locateArchive({ item, jobRef: 'job-1' }, ports)).toEqual(first)
  })

  it('does not take one that has grown since: that is not what the job made', async () => {
    const ports = fakePorts()
    ports.fakeProvider.evidence = goodEvidence
    await locateArchive({ item, jobRef: 'job-1' }, ports)
    const grown = { ...artifact, sizeBytes: artifact.sizeBytes + 1 }
    ports.fakeProvider.evidence = { ...goodEvidence, listed: grown, listedAgainSizeBytes: grown.sizeBytes }
    await expect(locateArchive({ item, jobRef: 'job-1' }, ports)).rejects.toMatchObject({
      name: 'BackupFailed',
      message: expect.stringMatching(/1000 bytes, then 1001/),
    })
  })
})

describe('locating the archive of a job whose log is gone', () => {
  it('judges what is left, in place of failing for want of the log', async () => {
    const ports = fakePorts()
    ports.fakeProvider.evidence = { ...goodEvidence, logComplete: false, guestFinished: false }
    ports.fakeProvider.onReadLog = async () => ''
    await expect(locateArchive({ item, jobRef: 'job-1' }, ports)).rejects.toMatchObject({ name: 'BackupFailed' })
  })
})

describe('the clock of the node that made an archive', () => {
  const clock = { offsetSeconds: -600, uncertaintySeconds: 0.6, measuredAt: '2026-11-22T02:00:05.000Z' }

  it('is kept with the evidence as it was when the job began, and warned of from a minute on', async () => {
    const ports = fakePorts()
    ports.fakeProvider.evidence = goodEvidence
    const { onStart } = ports.fakeProvider
    ports.fakeProvider.onStart = async (guest) => ({ ...(await onStart(guest)), clock })
    const { jobRef } = begun(await startBackup({ item, execution }, ports))
    // Somebody sets it right while the backup runs.
    ports.fakeProvider.clockOffset = { ...clock, offsetSeconds: 0 }
    const { verdict, evidenceKey } = await locateArchive({ item, jobRef }, ports)
    expect(verdict).toMatchObject({
      name: 'archived-with-warnings',
      good: true,
      reason: expect.stringMatching(/with 1 warning, the first: The clock of node pve1 was 10 minutes behind .* NTP/),
    })
    const { evidence } = JSON.parse((await ports.store.readText(evidenceKey))?.text ?? '')
    expect(evidence).toMatchObject({ clock, warnings: [expect.stringContaining('10 minutes behind')] })
  })

  it('is measured late for a job that was begun by a version which measured nothing', async () => {
    const ports = fakePorts()
    ports.fakeProvider.evidence = goodEvidence
    ports.fakeProvider.clockOffset = clock
    const { evidenceKey } = await locateArchive({ item, jobRef: 'job-1' }, ports)
    const { evidence } = JSON.parse((await ports.store.readText(evidenceKey))?.text ?? '')
    expect(evidence.clock).toEqual(clock)
  })

  it('stays unknown where nobody can tell, and that changes nothing', async () => {
    const ports = fakePorts()
    ports.fakeProvider.evidence = goodEvidence
    ports.fakeProvider.clock = () => Promise.reject(new StoreUnavailable('not now'))
    expect((await locateArchive({ item, jobRef: 'job-1' }, ports)).verdict.name).toBe('archived')
  })
})

describe('whose archive it is', () => {
  const identity = { id: 'smbios:0f0e0d0c-0b0a-4009-8807-060504030201', witness: 'ctime:1' }
  const planned = { ...item, guest: { ...item.guest, identity } }
  const other = 'smbios1: uuid=11111111-1111-4111-8111-111111111111\n'

  async function archived(by: typeof planned | typeof item, text: string) {
    const { ports, manifestInput } = await located()
    const body = zstdCompressSync(await vma({ config: `${text}${vmConfiguration}` }))
    ports.store.objects.set(stored.key, { body, etag: 'tag' })
    const write = () => writeManifest({ ...manifestInput, item: by }, ports)
    const identityWritten = async () => {
      const { manifestKey } = await write()
      return manifestSchema.parse(JSON.parse((await ports.store.readText(manifestKey))?.text ?? '')).guest.identity
    }
    return { ports, write, identityWritten }
  }

  it('is what the archive itself says', async () => {
    const { identityWritten } = await archived(item, other)
    expect(await identityWritten()).toEqual({ id: 'smbios:11111111-1111-4111-8111-111111111111' })
  })

  it('is what the platform said where the archive says nothing', async () => {
    const { identityWritten } = await archived(planned, '')
    expect(await identityWritten()).toEqual(identity)
  })

  it('is the planned guest’s, also after it was restored under its id', async () => {
    const restored = `smbios1: uuid=${identity.id.slice(7).toUpperCase()}\nmeta: creation-qemu=10.1.0,ctime=1\n`
    const { identityWritten } = await archived(planned, restored)
    expect(await identityWritten()).toEqual(identity)
  })

  it.each([
    ['another uuid', other],
    ['the same uuid and another time of creation', `smbios1: uuid=${identity.id.slice(7)}\nmeta: ctime=2\n`],
  ])('gets no manifest, and nothing is removed, when it holds %s', async (_, text) => {
    const { ports, write } = await archived(planned, text)
    await expect(write()).rejects.toMatchObject({
      name: 'GuestReplaced',
      message: expect.stringMatching(
        /^Site hq: the backup of guest 100 \(web\) holds another guest's configuration .*\.$/,
      ),
    })
    expect(await ports.store.listKeys('archives/')).toEqual([stored.key])
  })
})

describe('writing the manifest', () => {
  it('puts log, notes and manifest beside the archive under names that a restore knows', async () => {
    const { ports, manifestInput } = await located()
    const { manifestKey } = await writeManifest(manifestInput, ports)
    const folder = 'archives/hq/vm-100/2026-11-22T02-00-07Z/'
    expect(await ports.store.listKeys(folder)).toEqual([
      `${folder}manifest.json`,
      `${folder}vzdump-qemu-100-2026_11_22-02_00_07.log`,
      `${folder}vzdump-qemu-100-2026_11_22-02_00_07.vma.zst.notes`,
    ])
    const manifest = manifestSchema.parse(JSON.parse((await ports.store.readText(manifestKey))?.text ?? ''))
    expect(manifest).toMatchObject({
      site: 'hq',
      runId: 'run-1',
      verdict: { name: 'archived' },
      evidence: goodEvidence,
    })
    expect(manifest.artifacts[0]?.source).toEqual({
      artifactRef: artifact.artifactRef,
      path: pathOf(artifact.location),
      sizeBytes: 1000,
      modifiedAt: '2026-11-22T02:01:00.000Z',
    })
  })

  it('holds a receipt of what was counted, and of an older execution none', async () => {
    const { ports, manifestInput } = await located()
    const { manifestKey } = await writeManifest(manifestInput, ports)
    expect(JSON.parse((await ports.store.readText(manifestKey))?.text ?? '')).not.toHaveProperty('receipt')

    const on = await located()
    const work = { ...noCopyWork, plans: 2, rounds: 1, copyCalls: 1, copySeconds: 3600, partsSent: 1, memoryMiB: 1024 }
    const counted = { ...on.manifestInput, stored: [{ ...stored, work }], backupCalls: 3 }
    const written = await writeManifest(counted, on.ports)
    const manifest = manifestSchema.parse(JSON.parse((await on.ports.store.readText(written.manifestKey))?.text ?? ''))
    expect(manifest.artifacts[0]?.work).toEqual(work)
    expect(manifest.receipt?.items[0]).toEqual({
      what: 'copy functions: 3,600 s at 1024 MiB',
      // An hour at 1 GiB, and one call.
      leastDollars: 0.048,
      mostDollars: 0.048,
    })
    expect(manifest.receipt?.leavesOut).toContain("the run's own states, which its guests share")
  })

  it('tells the guest’s configuration as the archive itself holds it', async () => {
    const { ports, manifestInput } = await located()
    const archive = zstdCompressSync(await vma())
    ports.store.objects.set(stored.key, { body: archive, etag: 'tag' })
    const { manifestKey } = await writeManifest(manifestInput, ports)
    const manifest = manifestSchema.parse(JSON.parse((await ports.store.readText(manifestKey))?.text ?? ''))
    expect(manifest.configuration).toEqual({ name: 'qemu-server.conf', text: vmConfiguration })
  })

  it('is refused for what plainly is no archive, however faithfully it was copied', async () => {
    const { ports, manifestInput } = await located()
    ports.store.objects.set(stored.key, { body: Buffer.from('502 Bad Gateway'.repeat(99)), etag: 'tag' })
    await expect(writeManifest(manifestInput, ports)).rejects.toMatchObject({
      name: 'NotAnArchive',
      message: expect.stringMatching(/should begin as zstd data .* lies at s3:/),
    })
    expect(await ports.store.listKeys('archives/hq/vm-100/2026-11-22T02-00-07Z/')).toEqual([stored.key])
  })

  it('goes on without a configuration when the archive can’t be looked into', async () => {
    const { ports, manifestInput } = await located()
    ports.store.objects.set(stored.key, { body: Buffer.from('502 Bad Gateway'.repeat(99)), etag: 'tag' })
    ports.store.readRange = () => Promise.reject(new StoreUnavailable('down'))
    const { manifestKey } = await writeManifest(manifestInput, ports)
    const manifest = manifestSchema.parse(JSON.parse((await ports.store.readText(manifestKey))?.text ?? ''))
    expect(manifest.configuration).toBeUndefined()
  })

  const uncompressed = async (body: Buffer) => {
    const { ports, manifestInput } = await located()
    const [fileName, key] = [stored.fileName, stored.key].map((name) => name.replace(/\.zst$/, ''))
    if (fileName === undefined || key === undefined) throw new Error('no name')
    ports.store.objects.set(key, { body, etag: 'tag' })
    const input = {
      ...manifestInput,
      artifacts: [{ ...artifact, fileName }],
      stored: [{ ...stored, fileName, key }],
    }
    const manifest = async () => {
      const { manifestKey } = await writeManifest(input, ports)
      return manifestSchema.parse(JSON.parse((await ports.store.readText(manifestKey))?.text ?? ''))
    }
    return { ports, manifest }
  }

  it('tells how random the content of an uncompressed archive looks, from 1 MiB of it', async () => {
    const { ports, manifest } = await uncompressed(await vma({ clusters: 900 }))
    let bytesRead = 0
    const readRange = ports.store.readRange.bind(ports.store)
    ports.store.readRange = (key, range) => {
      bytesRead += range.lastByte + 1 - range.firstByte
      return readRange(key, range)
    }
    const { contentSample } = await manifest()
    // A block of the header is all zero.
    expect(contentSample?.sampledBytes).toBe(1024 * 1024 - 4096)
    expect(contentSample?.entropyBitsPerByte).toBeGreaterThan(2)
    expect(contentSample?.entropyBitsPerByte).toBeLessThan(7)
    // A first MiB for the configuration, and the sample.
    expect(bytesRead).toBe(2 * 1024 * 1024)
  })

  it('says nothing of what a compressed archive’s bytes look like, nor where they can’t be read', async () => {
    const { ports, manifestInput } = await located()
    ports.store.objects.set(stored.key, { body: zstdCompressSync(await vma()), etag: 'tag' })
    const { manifestKey } = await writeManifest(manifestInput, ports)
    const text = (await ports.store.readText(manifestKey))?.text ?? ''
    expect(manifestSchema.parse(JSON.parse(text)).contentSample).toBeUndefined()
    const silent = await uncompressed(await vma())
    silent.ports.store.readRange = () => Promise.reject(new StoreUnavailable('down'))
    expect((await silent.manifest()).contentSample).toBeUndefined()
  })

  it('can be repeated, and leaves the first manifest as it is', async () => {
    const { ports, manifestInput } = await located()
    await ports.store.writeText(`uploads/${stored.key}.json`, '{}')
    const { manifestKey } = await writeManifest(manifestInput, ports)
    expect(await ports.store.listKeys('uploads/')).toEqual([])
    const before = await ports.store.readText(manifestKey)
    ports.clock.now = new Date('2026-11-23T00:00:00Z')
    await writeManifest(manifestInput, ports)
    expect(await ports.store.readText(manifestKey)).toEqual(before)
  })

  it('refuses to stand in for the manifest of another archive', async () => {
    const { ports, manifestInput } = await located()
    await writeManifest(manifestInput, ports)
    const other = { ...manifestInput, stored: [{ ...stored, checksum: 'CRC32:BBBBBA==' }] }
    await expect(writeManifest(other, ports)).rejects.toMatchObject({ name: 'ArchiveConflict' })
  })
})

describe('releasing the backup', () => {
  const input = {
    item,
    execution,
    artifacts: [artifact],
    stored: [stored],
    verdict: { name: 'archived', good: true, reason: 'fine' } as const,
    manifestKey: 'm',
    startedAt: '2026-11-22T02:00:00.000Z',
  }

  it('records the outcome and gives the guest back to other runs', async () => {
    const ports = fakePorts()
    await startBackup({ item, execution }, ports)
    const outcome = await releaseBackup(input, ports)
    expect(outcome).toEqual({
      id: '100',
      name: 'web',
      kind: 'vm',
      node: 'pve1',
      outcome: 'succeeded',
      verdict: 'archived',
      reason: '',
      artifacts: [{ key: stored.key, sizeBytes: 1000, checksum: 'CRC32:AAAAAA==', partCount: 1 }],
      manifestKey: 'm',
      bytesSent: 1000,
      seconds: 5,
    })
    expect(ports.fakeProvider.calls).not.toContain(`release ${artifact.artifactRef}`)
    ports.fakeProvider.jobs = []
    await expect(startBackup({ item: itemOf('run-2'), execution }, ports)).resolves.toMatchObject({ adopted: false })
  })

  it('removes the source copy only when the job says so', async () => {
    const ports = fakePorts()
    await releaseBackup({ ...input, item: { ...item, deleteSource: true } }, ports)
    expect(ports.fakeProvider.calls).toContain(`release ${artifact.artifactRef}`)
  })

  it('keeps success whatever becomes of older archives, and says what', async () => {
    const reasonAfter = async (retention: NonNullable<Parameters<typeof releaseBackup>[0]['retention']>) => {
      const { outcome, reason } = ended(await releaseBackup({ ...input, retention }, fakePorts()))
      return [outcome, reason]
    }
    expect(await reasonAfter({ remark: '', error: null })).toEqual(['succeeded', ''])
    expect(await reasonAfter({ remark: 'The newest archive looks wrong.', error: null })).toEqual([
      'succeeded',
      'Retention: The newest archive looks wrong.',
    ])
    expect(await reasonAfter({ remark: '', error: { Error: 'StoreDenied', Cause: 'access denied' } })).toEqual([
      'succeeded',
      expect.stringMatching(/^The archive is safe in S3, but older ones were not pruned: .*access denied/),
    ])
  })

  it('keeps success when the source copy can not be removed, and says so', async () => {
    const ports = fakePorts()
    ports.fakeProvider.onDelete = () => Promise.reject(new PrivilegeMissing('protected'))
    const outcome = await releaseBackup({ ...input, item: { ...item, deleteSource: true } }, ports)
    expect(outcome).toMatchObject({ outcome: 'succeeded', reason: expect.stringMatching(/safe in S3.*protected/) })
    const evidence = { ...goodEvidence, removeWith: "pvesm free 'local:backup/x'" }
    await ports.store.writeText(`${item.run.prefix}evidence/100.json`, JSON.stringify({ evidence, log: '' }))
    const told = await releaseBackup({ ...input, item: { ...item, deleteSource: true } }, ports)
    expect(told.reason).toContain("Remove it on node pve1: pvesm free 'local:backup/x'.")
  })
})

import { describe, expect, it } from 'vitest'
import { readManifestFacts, readVerification, tagsIn } from '../../../../functions/domain/catalogue/manifest-facts.ts'
import { manifestOf } from '../../../fakes/manifest.ts'

describe('tags of a configuration', () => {
  it('are read from the text, as a manifest keeps it and as a verification does, without those of snapshots', () => {
    const text = 'cores: 2\ntags: prod;web\n\n[before-upgrade]\ntags: dev\n'
    expect(tagsIn({ name: 'qemu-server.conf', text })).toEqual(['prod', 'web'])
    expect(tagsIn(text)).toEqual(['prod', 'web'])
  })

  it('are none where there is no configuration, no such line, or only one of a snapshot', () => {
    for (const nothing of [undefined, null, 7, {}, '', 'cores: 2\n', 'cores: 2\n[old]\ntags: dev\n']) {
      expect(tagsIn(nothing)).toEqual([])
    }
  })
})

describe('the lock of an archive', () => {
  const createdAt = '2026-11-22T02:00:00.000Z'
  const bare = manifestOf(createdAt, [5])
  const lockOf = (...locks: unknown[]) => {
    const artifacts = locks.map((lock) => ({ ...bare.artifacts[0], ...(lock === undefined ? {} : { lock }) }))
    const of = { site: 'hq', guest: bare.guest, keyedAt: createdAt }
    const facts = readManifestFacts(JSON.stringify({ ...bare, artifacts }), of)
    return 'lock' in facts ? facts.lock : undefined
  }
  const noted = { mode: 'governance', until: '2027-01-01T00:00:00.000Z' }

  it('is what holds all of its files, and none where one file has none or one that nobody can read', () => {
    expect(lockOf(noted, { ...noted, until: '2026-12-01T00:00:00.000Z' })).toEqual({
      ...noted,
      until: '2026-12-01T00:00:00.000Z',
    })
    for (const other of [undefined, 'locked', { legalHold: true }, { ...noted, until: 'for ever' }]) {
      expect(lockOf(noted, other)).toBeUndefined()
    }
  })

  it('is missing as a verification says, whatever that found of the bytes', () => {
    const lockTrouble = 'It is not locked.'
    const verdict = { version: 1, verifiedAt: createdAt, result: 'accepted', findings: [], notes: [], evidence: [] }
    expect(readVerification(JSON.stringify({ ...verdict, lockTrouble }))).toMatchObject({ lockTrouble })
    expect(readVerification(JSON.stringify({ ...verdict, lockTrouble: 7 }))).toEqual({
      state: 'verified',
      at: createdAt,
      tags: [],
    })
  })
})

describe('how much content an archive has, and how random it looks', () => {
  const createdAt = '2026-11-22T02:00:00.000Z'
  const bare = manifestOf(createdAt, [5])
  const factsOf = (manifest: object) =>
    readManifestFacts(JSON.stringify(manifest), { site: 'hq', guest: bare.guest, keyedAt: createdAt })

  it('is read from the manifest, and is absent where an older version wrote it', () => {
    const told = {
      evidence: { ...bare.evidence, contentBytes: 9 },
      contentSample: { entropyBitsPerByte: 5, sampledBytes: 4096 },
    }
    expect(factsOf({ ...bare, ...told })).toMatchObject({ contentBytes: 9, entropyBitsPerByte: 5 })
    expect(factsOf(bare)).not.toHaveProperty('contentBytes')
    expect(factsOf(bare)).not.toHaveProperty('entropyBitsPerByte')
  })

  it('is what was written of the disks, where all of an archive is disks that say so', () => {
    const [artifact] = bare.artifacts
    const disk = (allocatedBytes: unknown) => ({ ...artifact, content: { allocatedBytes } })
    expect(factsOf({ ...bare, artifacts: [disk(7), disk(30)] })).toMatchObject({ contentBytes: 37 })
    for (const artifacts of [[disk(7), artifact], [disk(0)], [disk('many')]]) {
      expect(factsOf({ ...bare, artifacts })).not.toHaveProperty('contentBytes')
    }
    const told = { ...bare, evidence: { ...bare.evidence, contentBytes: 9 }, artifacts: [disk(7)] }
    expect(factsOf(told)).toMatchObject({ contentBytes: 9 })
  })

  it('goes by the mode and compression that were used, where they are recorded, and not by what was asked for', () => {
    const used = (record: unknown) => factsOf({ ...bare, evidence: { ...bare.evidence, used: record } })
    expect(factsOf(bare)).toMatchObject({ mode: 'snapshot', compress: 'zstd' })
    expect(used({ mode: 'suspend', compress: 'gzip' })).toMatchObject({ mode: 'suspend', compress: 'gzip' })
    expect(used({ mode: 'suspend', compress: 'brotli', more: 1 })).toMatchObject({ mode: 'suspend', compress: 'zstd' })
    for (const nonsense of ['x', null, { mode: 7 }]) expect(used(nonsense)).toEqual(factsOf(bare))
  })

  it('makes no manifest unreadable where it makes no sense', () => {
    const nonsense = { evidence: { ...bare.evidence, contentBytes: -1 }, contentSample: { entropyBitsPerByte: 'high' } }
    expect(factsOf({ ...bare, ...nonsense })).toEqual(factsOf(bare))
  })

  it('is read from a verification that accepted the archive, of all its files', () => {
    const of = (result: string, evidence: object[]) =>
      readVerification(
        JSON.stringify({ version: 1, verifiedAt: createdAt, tool: 't', result, findings: [], notes: [], evidence }),
      )
    const [one, other] = [
      { contentBytes: 3000, entropyBitsPerByte: 4 },
      { contentBytes: 1000, entropyBitsPerByte: 8 },
    ]
    expect(of('accepted', [one, other])).toMatchObject({ contentBytes: 4000, entropyBitsPerByte: 5 })
    expect(of('accepted', [one, { contentBytes: 1000 }])).toEqual({
      state: 'verified',
      at: createdAt,
      tags: [],
      contentBytes: 4000,
    })
    for (const result of ['refused', 'not-verified']) expect(of(result, [one])).not.toHaveProperty('contentBytes')
    expect(of('accepted', [])).not.toHaveProperty('contentBytes')
    expect(of('accepted', [{ contentBytes: 'much' }])).toEqual({ state: 'verified', at: createdAt, tags: [] })
  })
})

describe('whose archive it is, and by which clock', () => {
  const createdAt = '2026-11-22T02:00:00.000Z'
  const bare = manifestOf(createdAt, [5])
  const factsOf = (manifest: object) =>
    readManifestFacts(JSON.stringify(manifest), { site: 'hq', guest: bare.guest, keyedAt: createdAt })
  const uuid = '11111111-2222-3333-4444-555555555555'
  const text = `arch: amd64\nmeta: creation-qemu=9,ctime=1700000000\nnet0: virtio=BC:24:11:00:00:64,bridge=vmbr0\nostype: l26\nsmbios1: uuid=${uuid}\n`
  const embedded = { id: `smbios:${uuid}`, witness: 'ctime:1700000000' }

  it('is what the manifest says, else what the configuration in the archive does', () => {
    const configuration = { name: 'qemu-server.conf', text }
    expect(factsOf({ ...bare, configuration })).toMatchObject({
      identity: embedded,
      marks: 'arch=amd64 ostype=l26 created=1700000000 bc:24:11:00:00:64',
    })
    expect(factsOf({ ...bare, configuration: text })).toMatchObject({ identity: embedded })
    const guest = { ...bare.guest, identity: { id: 'smbios:other' } }
    expect(factsOf({ ...bare, guest, configuration })).toMatchObject({ identity: { id: 'smbios:other' } })
    const clock = { offsetSeconds: 3600, uncertaintySeconds: 1, measuredAt: createdAt }
    expect(factsOf({ ...bare, evidence: { ...bare.evidence, clock } })).toMatchObject({ clockOffsetSeconds: 3600 })
  })

  it('is absent where an older version wrote it, and nonsense makes no manifest unreadable', () => {
    for (const field of ['identity', 'marks', 'clockOffsetSeconds']) expect(factsOf(bare)).not.toHaveProperty(field)
    const guest = { ...bare.guest, identity: 'smbios' }
    const evidence = { ...bare.evidence, clock: 'ahead' }
    expect(factsOf({ ...bare, guest, evidence, configuration: { text: 7 } })).toEqual(factsOf(bare))
  })
})

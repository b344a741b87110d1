/** What a lifecycle rule of the user's does to reading and pruning: the embedded S3 refuses what lies in Glacier, as S3 does. */
import { GetObjectCommand, RestoreObjectCommand, type StorageClass } from '@aws-sdk/client-s3'
import { crc32 } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { retentionSchema } from '../../../../functions/contracts/retention.ts'
import { type Verification, verificationSchema } from '../../../../functions/contracts/verification.ts'
import type { CatalogueEntry } from '../../../../functions/domain/catalogue/catalogue.ts'
import type { CoverageRules } from '../../../../functions/domain/coverage/coverage.ts'
import { crc32ToBase64 } from '../../../../functions/domain/transfer/crc32.ts'
import { listPrices } from '../../../../functions/domain/prices/list-prices.ts'
import { archiveFolder, catalogueIndexKey } from '../../../../functions/domain/books/object-keys.ts'
import { judgeCoverage } from '../../../../functions/operations/coverage/judge-coverage.ts'
import { lastStored } from '../../../../functions/operations/catalogue/last-stored.ts'
import { pruneGuest } from '../../../../functions/operations/pruning/prune-guest.ts'
import { readCatalogue } from '../../../../functions/operations/catalogue/read-catalogue.ts'
import { rebuildCatalogue } from '../../../../functions/operations/catalogue/rebuild-catalogue.ts'
import type { RetentionPorts } from '../../../../functions/operations/pruning/retention-ports.ts'
import { verifyDeep } from '../../../../functions/operations/verification/verify-deep.ts'
import { manifestOf } from '../../../fakes/manifest.ts'
import { openVersionedBucket, type VersionedBucket } from '../../../fakes/versioned-bucket.ts'
import { vma } from '../../archive-formats/proxmox/made-archives.ts'

const guest = { id: '100', kind: 'vm', name: 'web1', node: 'pve1' } as const
const keyPrefix = 'vault/'
const createdAt = (day: number) => `2026-11-0${day}T02:00:00.000Z`
const folderOf = (day: number) => archiveFolder(keyPrefix, 'hq', guest, createdAt(day))
const fileName = 'vzdump-qemu-100-2026_11_01-02_00_00.vma'

let bucket: VersionedBucket
let ports: RetentionPorts & { toolVersion: string }
let bytes: Buffer
beforeEach(async () => {
  bytes = await vma({ clusters: 4 })
  bucket = await openVersionedBucket('plain')
  ports = {
    store: bucket.store,
    versions: bucket.versions,
    keyPrefix,
    prices: listPrices,
    now: () => new Date(),
    remainingMilliseconds: () => 900_000,
    log: () => undefined,
    toolVersion: 'guestlift/9.9.9',
  }
  for (const day of [1, 2, 3, 4]) await archive(day)
})
afterEach(() => bucket.close())

async function archive(day: number): Promise<void> {
  const folder = folderOf(day)
  const key = `${folder}${fileName}`
  await bucket.put(key, bytes)
  const checksum = `CRC32:${crc32ToBase64(crc32(bytes))}`
  const manifest = manifestOf(createdAt(day), [bytes.length], guest)
  const artifacts = manifest.artifacts.map((artifact) => ({ ...artifact, key, fileName, checksum }))
  await bucket.put(`${folder}manifest.json`, JSON.stringify({ ...manifest, artifacts }))
}

async function verified(day: number, result: Verification['result'] = 'accepted'): Promise<void> {
  const verification = {
    version: 1,
    verifiedAt: createdAt(5),
    tool: 't',
    result,
    findings: [],
    notes: [],
    evidence: [],
  }
  await bucket.put(`${folderOf(day)}verification.json`, JSON.stringify(verification))
}

/** As a lifecycle rule does: the same bytes, in another class. */
async function freeze(key: string, storageClass: StorageClass = 'DEEP_ARCHIVE'): Promise<void> {
  const answer = await bucket.client.send(new GetObjectCommand({ Bucket: 'archives', Key: key }))
  await bucket.put(key, Buffer.from((await answer.Body?.transformToByteArray()) ?? []), { storageClass })
}

async function thaw(Key: string): Promise<void> {
  await bucket.client.send(new RestoreObjectCommand({ Bucket: 'archives', Key, RestoreRequest: { Days: 7 } }))
}

const prune = async (rules: object) => {
  const policy = retentionSchema.parse({ timeZone: 'UTC', ...rules })
  const order = { site: 'hq', guest, policy, by: 'test', gone: false, confirmed: true, dryRun: false }
  const { archives, warnings } = await pruneGuest(order, ports)
  return { archives, warnings, told: archives.map(({ decision, outcome, guard }) => outcome ?? guard ?? decision) }
}
const entries = async () => {
  const found: CatalogueEntry[] = []
  for await (const guestArchives of readCatalogue({}, ports)) found.push(...guestArchives.entries)
  return found
}
const coverage = async () => {
  const rules: CoverageRules = {
    everyMilliseconds: 1e15,
    graceMilliseconds: 0,
    shrunkBelow: 0.5,
    parkedTags: [],
    parkedIds: [],
  }
  const [one] = (await judgeCoverage(undefined, rules, ports)).guests
  return one
}
const inDeepArchive = expect.stringMatching(/^s3:\/\/archives\/vault\/.* lies in DEEP_ARCHIVE; restore it first/)

describe('an artifact in Glacier', () => {
  beforeEach(() => freeze(`${folderOf(1)}${fileName}`))

  it('is pruned as any other, and what that costs early is told', async () => {
    const { archives, told } = await prune({ 'keep-last': 2 })
    expect(told).toEqual(['removed', 'removed', 'keep', 'keep'])
    expect(archives[0]?.early?.dollars).toBeGreaterThan(0)
    expect(archives[1]?.early).toBeUndefined()
  })

  it('is listed whole, with its class', async () => {
    expect((await entries())[0]).toMatchObject({ state: 'complete', storageClass: 'DEEP_ARCHIVE' })
  })

  it('is "not verified" and never refused, and is verified once it was restored', async () => {
    const verification = await verifyDeep(folderOf(1), ports)
    expect(verification).toMatchObject({
      result: 'not-verified',
      findings: [{ code: 'frozen', message: inDeepArchive }],
    })
    await thaw(`${folderOf(1)}${fileName}`)
    expect((await verifyDeep(folderOf(1), ports)).result).toBe('accepted')
  })
})

describe('a manifest in Glacier', () => {
  const manifest = () => `${folderOf(2)}manifest.json`
  beforeEach(() => freeze(manifest()))

  it('makes its archive untouchable, says what to do, and lets the others be pruned', async () => {
    const { archives, told } = await prune({ 'keep-last': 1 })
    expect(told).toEqual(['removed', 'untrusted', 'removed', 'keep'])
    expect(archives[1]?.reason).toMatch(/manifest\.json lies in DEEP_ARCHIVE; restore it first/)
    await thaw(manifest())
    expect((await prune({ 'keep-last': 1 })).told).toEqual(['removed', 'keep'])
  })

  it('is no reason to suspect the newest archive', async () => {
    await freeze(`${folderOf(4)}manifest.json`, 'GLACIER')
    const { told, warnings } = await prune({ 'keep-last': 1 })
    expect({ told, warnings }).toEqual({
      told: ['removed', 'untrusted', 'keep', 'untrusted'],
      warnings: [],
    })
  })

  it('is listed with why, as is the rest; and as ever where the index knows it', async () => {
    expect((await entries()).map(({ state }) => state)).toEqual(['complete', 'unreadable', 'complete', 'complete'])
    expect((await entries())[1]?.reason).toEqual(inDeepArchive)
    await thaw(manifest())
    await rebuildCatalogue({}, ports)
    await freeze(manifest())
    expect((await entries()).map(({ state }) => state)).toEqual(['complete', 'complete', 'complete', 'complete'])
  })

  it('leaves the guest covered by its newest archive, and uncovered with why when all are frozen', async () => {
    expect(await coverage()).toMatchObject({ state: 'covered', archives: 4 })
    for (const day of [1, 3, 4]) await freeze(`${folderOf(day)}manifest.json`)
    expect(await coverage()).toMatchObject({
      state: 'never',
      reasons: [expect.stringMatching(/^None of its 4 archives can be restored\. .*lies in DEEP_ARCHIVE; restore it/)],
    })
  })

  it('is "not verified", and tells nothing of sizes to come', async () => {
    expect(await verifyDeep(folderOf(2), ports)).toMatchObject({
      result: 'not-verified',
      findings: [{ code: 'frozen', message: inDeepArchive }],
    })
    expect(await bucket.store.head(`${folderOf(2)}verification.json`)).toBeUndefined()
    await freeze(`${folderOf(4)}manifest.json`)
    expect(await lastStored('hq', guest, ports)).toBeUndefined()
  })
})

describe('a verification in Glacier', () => {
  const key = () => `${folderOf(1)}verification.json`
  beforeEach(async () => {
    await verified(1)
    await freeze(key())
  })

  it('leaves its archive alone: it may be the last verified one', async () => {
    const { archives, told } = await prune({ 'keep-last': 1 })
    expect(told).toEqual(['untrusted', 'removed', 'removed', 'keep'])
    expect(archives[0]?.reason).toMatch(/verification\.json lies in DEEP_ARCHIVE; restore it first/)
    await thaw(key())
    expect((await prune({ 'keep-last': 1 })).told).toEqual(['last-verified', 'keep'])
  })

  it('of the newest archive is no reason to suspect it', async () => {
    await verified(4)
    await freeze(`${folderOf(4)}verification.json`)
    const { told, warnings } = await prune({ 'keep-last': 1 })
    expect({ told, warnings }).toEqual({ told: ['untrusted', 'removed', 'keep', 'untrusted'], warnings: [] })
  })

  it('is listed as one that nobody can read, and is not kept in the index', async () => {
    const unreadable = { state: 'complete', verification: { state: 'unreadable', reason: inDeepArchive } }
    expect((await entries())[0]).toMatchObject(unreadable)
    await rebuildCatalogue({}, ports)
    expect((await entries())[0]).toMatchObject(unreadable)
    await thaw(key())
    expect((await entries())[0]).toMatchObject({ verification: { state: 'verified' } })
  })

  it('is replaced by a verdict, and not by a reading that failed', async () => {
    await freeze(`${folderOf(1)}${fileName}`)
    expect((await verifyDeep(folderOf(1), ports)).result).toBe('not-verified')
    await thaw(key())
    const kept = async () => verificationSchema.parse(JSON.parse((await bucket.store.readText(key()))?.text ?? ''))
    expect(await kept()).toMatchObject({ result: 'accepted', tool: 't' })
    await freeze(key())
    await thaw(`${folderOf(1)}${fileName}`)
    expect((await verifyDeep(folderOf(1), ports)).result).toBe('accepted')
    expect(await kept()).toMatchObject({ result: 'accepted', tool: 'guestlift/9.9.9' })
  })
})

describe('what else of Guestlift’s lies in Glacier', () => {
  it('is done without: an index is none, and is written anew', async () => {
    await rebuildCatalogue({}, ports)
    const key = catalogueIndexKey(keyPrefix, 'hq', guest)
    await freeze(key)
    expect(await entries()).toHaveLength(4)
    expect(await rebuildCatalogue({}, ports)).toMatchObject({ written: 1 })
    expect((await bucket.store.readText(key))?.text).toMatch(/^\{"version":5,/)
  })

  it('is told: a record of a removal that was cut short keeps no other archive', async () => {
    const record = 'vault/retention/hq/vm-100/removing/2026-11-01T02-00-00Z.json'
    await bucket.put(record, '{}', { storageClass: 'GLACIER' })
    const { told, warnings } = await prune({ 'keep-last': 3 })
    expect(told).toEqual(['removed', 'keep', 'keep', 'keep'])
    expect(warnings).toEqual([expect.stringMatching(/removing\/.* lies in GLACIER; restore it first/)])
  })
})

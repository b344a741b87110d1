import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { retentionSchema } from '../../../../functions/contracts/retention.ts'
import { listPrices } from '../../../../functions/domain/prices/list-prices.ts'
import { archiveFolder } from '../../../../functions/domain/books/object-keys.ts'
import { applyRetention } from '../../../../functions/operations/pruning/apply-retention.ts'
import type { RetentionPorts } from '../../../../functions/operations/pruning/retention-ports.ts'
import { manifestOf } from '../../../fakes/manifest.ts'
import { item } from '../../../fakes/ports.ts'
import { openVersionedBucket, type VersionedBucket } from '../../../fakes/versioned-bucket.ts'

describe('applyRetention', () => {
  let bucket: VersionedBucket
  let ports: RetentionPorts
  beforeEach(async () => {
    bucket = await openVersionedBucket('versioned')
    const { store, versions } = bucket
    const base = { keyPrefix: '', prices: listPrices, now: () => new Date(), log: () => undefined }
    ports = { ...base, store, versions, remainingMilliseconds: () => 900_000 }
  })
  afterEach(() => bucket.close())

  async function archives(count: number, newest = 'usual'): Promise<void> {
    for (let day = 1; day <= count; day += 1) {
      const text = day === count ? newest : 'usual'
      const bare = manifestOf(`2026-11-0${day}T02:00:00.000Z`, [text.length])
      const folder = archiveFolder('', item.site, item.guest, bare.createdAt)
      await bucket.put(`${folder}file`, text)
      const artifacts = bare.artifacts.map((its) => ({ ...its, key: `${folder}file`, fileName: 'file' }))
      const manifest = { ...bare, artifacts }
      await bucket.put(`${folder}manifest.json`, JSON.stringify(manifest))
    }
  }
  const apply = (rules: object) => applyRetention({ item: { ...item, retention: retentionSchema.parse(rules) } }, ports)
  const manifests = async () =>
    (await bucket.store.listKeys('archives/')).filter((key) => key.endsWith('/manifest.json'))

  it('removes what the job lets go of', async () => {
    await archives(3)
    expect(await apply({ 'keep-last': 2 })).toMatchObject({ removed: 1, locked: 0, remark: '' })
    expect(await manifests()).toHaveLength(2)
  })

  it('changes nothing for a job without a retention', async () => {
    await archives(2)
    expect(await applyRetention({ item }, ports)).toMatchObject({ removed: 0, remark: '' })
    expect(await manifests()).toHaveLength(2)
  })

  it('waits for a person when much would go at once, and remarks it', async () => {
    await archives(5)
    expect(await apply({ 'keep-last': 1 })).toMatchObject({ removed: 0, remark: expect.stringMatching(/confirms it/) })
    expect(await manifests()).toHaveLength(5)
  })

  it('lets nothing older go while the archive that was just made looks wrong', async () => {
    await archives(5, 'so')
    const { removed, remark } = await apply({ 'keep-last': 3 })
    expect(removed).toBe(0)
    expect(remark).toMatch(/looks wrong: It has 2 bytes/)
    expect(await manifests()).toHaveLength(5)
  })
})

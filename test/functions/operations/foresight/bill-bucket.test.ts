import { describe, expect, it } from 'vitest'
import type { StoredVersion } from '../../../../functions/aws/version-store.ts'
import { StoreDenied } from '../../../../functions/contracts/errors.ts'
import { listPrices } from '../../../../functions/domain/prices/list-prices.ts'
import { billBucket } from '../../../../functions/operations/foresight/bill-bucket.ts'
import { MemoryStore } from '../../../fakes/memory-store.ts'

const GIB = 2 ** 30

const archive = (guest: string, file: string) => `p/archives/hq/${guest}/2026-11-20T02-00-00Z/${file}`

type Listed = Partial<StoredVersion> & { key: string }

/** A bucket of which only the listing is asked. */
function listing(listed: readonly Listed[]) {
  const writtenAt = '2026-11-20T02:00:00.000Z'
  const rest = { versionId: 'v', latest: true, deleteMarker: false, sizeBytes: 0, writtenAt, storageClass: 'STANDARD' }
  const store = new MemoryStore()
  const versions = {
    async *listVersions(prefix: string): AsyncGenerator<StoredVersion, void, void> {
      for (const one of listed) if (one.key.startsWith(prefix)) yield { ...rest, ...one }
    },
  }
  return { store, versions, keyPrefix: 'p/' }
}
const terms = { table: listPrices, destination: 'internet' } as const
const bill = (listed: readonly Listed[]) => billBucket(listing(listed), terms)

describe('the bill of a bucket', () => {
  it('tells guests, what has no manifest, the books and other objects apart, and each class', async () => {
    const found = await bill([
      { key: archive('vm-100', 'vzdump.vma.zst'), sizeBytes: 1000 * GIB, storageClass: 'DEEP_ARCHIVE' },
      { key: archive('vm-100', 'manifest.json'), sizeBytes: 1000 },
      { key: archive('container-101', 'vzdump.tar.zst'), sizeBytes: 10 * GIB, storageClass: 'STANDARD' },
      { key: 'p/runs/2026/11/20/x/report.json', sizeBytes: 2000 },
      { key: 'p/archives/notes.txt', sizeBytes: 1 },
      { key: 'elsewhere/big', sizeBytes: 9000 * GIB },
    ])
    expect(found.lines.map(({ owner, storageClass, objects }) => [owner, storageClass, objects])).toEqual([
      ['hq/vm-100', 'DEEP_ARCHIVE', 1],
      ['hq/container-101 (without a manifest)', 'STANDARD', 1],
      ["Guestlift's own books", 'STANDARD', 1],
      ['hq/vm-100', 'STANDARD', 1],
      ['other objects', 'STANDARD', 1],
    ])
    expect(found.mostDollars).toBeCloseTo(0.99 + 0.23, 4)
  })

  it('prices a restore by class, and only of archives', async () => {
    const { restore } = await bill([
      { key: archive('vm-100', 'vzdump.vma.zst'), sizeBytes: 1000 * GIB, storageClass: 'GLACIER_IR' },
      { key: 'p/runs/2026/11/20/x/report.json', sizeBytes: 500 * GIB },
    ])
    expect(restore).toHaveLength(1)
    expect(restore[0]).toMatchObject({ storageClass: 'GLACIER_IR', objects: 1, sizeBytes: 1000 * GIB })
    // $30 of retrieval and $90 to the internet.
    expect(restore[0]?.ways[0]?.mostDollars).toBeCloseTo(120, 3)
  })

  it('bills versions that are hidden, and reads none of them back; a delete marker costs nothing', async () => {
    const key = archive('vm-100', 'vzdump.vma.zst')
    const found = await bill([
      { key, deleteMarker: true },
      { key, latest: false, sizeBytes: 1000 * GIB },
    ])
    expect(found.lines).toMatchObject([{ owner: 'hq/vm-100 (hidden versions)', objects: 1, dollarsPerMonth: 23 }])
    expect(found.restore).toEqual([])
  })

  it('goes without versions where they may not be listed, and says so', async () => {
    const needs = listing([])
    await needs.store.writeText(archive('vm-100', 'manifest.json'), '{}')
    // oxlint-disable-next-line require-yield -- refused before the first
    needs.versions.listVersions = async function* () {
      throw new StoreDenied('s3:ListBucketVersions is missing')
    }
    const found = await billBucket(needs, terms)
    expect(found.lines.map(({ owner }) => owner)).toEqual(['hq/vm-100'])
    expect(found.leavesOut[0]).toMatch(/^older and hidden versions .*s3:ListBucketVersions is missing$/)
  })

  it('leaves out a class that has no price, and says so', async () => {
    const found = await bill([{ key: archive('vm-100', 'x'), sizeBytes: GIB, storageClass: 'EXPRESS_ONEZONE' }])
    expect(found.objects).toBe(0)
    expect(found.leavesOut[0]).toBe('1 objects of class EXPRESS_ONEZONE, which the table has no price for')
  })

  it('is nothing for an empty bucket', async () => {
    expect(await bill([])).toMatchObject({ objects: 0, mostDollars: 0, lines: [], restore: [] })
  })
})

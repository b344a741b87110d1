/** Pruning a site on its own schedule: the synthesised workflow with the bundled functions, against lab and embedded S3. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openSite, type Site } from './harness.ts'

let site: Site
beforeAll(async () => {
  // A site that the deployment doesn't have.
  site = await openSite({ mayBeRefused: /:secret:guestlift\/site\/elsewhere$/ })
  for (let run = 0; run < 3; run += 1) {
    await site.run({ site: 'hq', guests: { vmids: [100, 103] } })
  }
})
afterAll(() => site.close())

const manifests = async () => (await site.keys('archives/')).filter((key) => key.endsWith('/manifest.json'))

describe('the workflow Prune archives', () => {
  it('tells in a dry run what it would remove, and removes nothing', async () => {
    const { result, told } = await site.upkeep('pruneArchives', {
      site: 'hq',
      retention: { 'keep-last': 2 },
      dryRun: true,
    })
    expect(result.status).toBe('SUCCEEDED')
    expect(told?.report).toMatchObject({ outcome: 'succeeded', guests: 2, toRemove: 2, removed: 0, dryRun: true })
    expect(await manifests()).toHaveLength(6)
  })

  it('fails, so that someone hears of it, while too much would go at once', async () => {
    const { result, told } = await site.upkeep('pruneArchives', { site: 'hq', retention: { 'keep-last': 1 } })
    expect(result).toMatchObject({ status: 'FAILED', error: 'PruningNeedsAttention' })
    expect(result.cause).toMatch(/2 guests need attention\. .*2 of 3 archives would go at once/)
    expect(told?.report).toMatchObject({ outcome: 'partial', removed: 0, troubled: 2 })
    expect(await manifests()).toHaveLength(6)
  })

  it('removes what the rules let go', async () => {
    const { result, told } = await site.upkeep('pruneArchives', { site: 'hq', retention: { 'keep-last': 2 } })
    expect(result.status).toBe('SUCCEEDED')
    expect(told?.report).toMatchObject({ outcome: 'succeeded', guests: 2, removed: 2, troubled: 0, done: true })
    expect(told?.reportKey).toMatch(/^prunings\/\d{4}\/\d\d\/\d\d\/[^/]+\/report\.json$/)
    expect(await manifests()).toHaveLength(4)
    // The page and the index know no more of what is gone.
    const [index = ''] = await site.keys('catalogue/hq/container-103')
    const indexed: { archives: { folder: string }[] } = JSON.parse(await site.text(index))
    const there = (await manifests()).flatMap((key) => (key.includes('-103/') ? (key.split('/').at(-2) ?? []) : []))
    expect(indexed.archives.map(({ folder }) => folder)).toEqual(there)
    expect(await site.text('catalogue/hq/index.html')).toContain('"id":"103"')
  })

  it('refuses a malformed order before anything is looked at, and says which field', async () => {
    const { result } = await site.upkeep('pruneArchives', { site: 'hq', retention: { 'keep-lost': 2 } })
    expect(result).toMatchObject({ status: 'FAILED', error: 'InvalidJob' })
    expect(result.cause).toContain('keep-lost')
  })

  it('removes nothing while the site cannot be asked which guests it has', async () => {
    const { result } = await site.upkeep('pruneArchives', { site: 'elsewhere', retention: { 'keep-last': 1 } })
    expect(result).toMatchObject({ status: 'FAILED', error: 'UnknownSite' })
    expect(await manifests()).toHaveLength(4)
  })
})

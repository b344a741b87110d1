import { beforeEach, describe, expect, it } from 'vitest'
import { UnknownSite } from '../../../../functions/contracts/errors.ts'
import { knownSites, requireKnownSite, strangeSite } from '../../../../functions/operations/catalogue/known-sites.ts'
import { MemoryStore } from '../../../fakes/memory-store.ts'

let store: MemoryStore
const keyPrefix = 'vault/'
beforeEach(async () => {
  store = new MemoryStore()
  const keys = [
    'archives/hq/vm-100/2026-11-22T02-00-00Z/manifest.json',
    'sites/branch.json',
    'catalogue/old/index.html',
  ]
  for (const key of keys) await store.writeText(`${keyPrefix}${key}`, '{}')
})

describe('the sites that a bucket knows', () => {
  it('are those with archives, with a book, or with copies of manifests', async () => {
    expect(await knownSites({ store, keyPrefix })).toEqual(['branch', 'hq', 'old'])
    expect(await knownSites({ store, keyPrefix: '' })).toEqual([])
  })

  it.each(['hq', 'branch', 'old'])('%s is let pass', async (site) => {
    await expect(requireKnownSite(site, { store, keyPrefix })).resolves.toBeUndefined()
    await expect(strangeSite(site, { store, keyPrefix })).resolves.toBeUndefined()
  })

  it('are named where another one is asked for', async () => {
    const refused = requireKnownSite('h1', { store, keyPrefix })
    await expect(refused).rejects.toBeInstanceOf(UnknownSite)
    await expect(refused).rejects.toThrow('s3://memory/vault/ holds nothing of a site h1. It knows: branch, hq, old.')
    expect(await strangeSite('h1', { store, keyPrefix })).toMatch(/It knows: branch, hq, old\./)
  })

  it('of a bucket without any are none: a new one, or the wrong prefix', async () => {
    expect(await strangeSite('hq', { store, keyPrefix: '' })).toBeUndefined()
    await expect(requireKnownSite('hq', { store, keyPrefix: '' })).rejects.toThrow(
      /nothing of any site: check .*--prefix/,
    )
  })
})

import { describe, expect, it } from 'vitest'
import type { CatalogueEntry } from '../../../../functions/domain/catalogue/catalogue.ts'
import { readManifestFacts } from '../../../../functions/domain/catalogue/manifest-facts.ts'
import { ownRestoreCommand } from '../../../../local/cli/archives/restore-advice.ts'
import { manifestOf } from '../../../fakes/manifest.ts'

const folder = 'archives/hq/vm-100/2026-11-21T02-00-00Z/'
const guest = { id: '100', kind: 'vm', name: 'web', node: 'pve1' } as const

function entryOf(sizes: number[], more: Partial<CatalogueEntry> = {}): CatalogueEntry {
  const createdAt = '2026-11-21T02:00:00.000Z'
  const manifest = JSON.stringify(manifestOf(createdAt, sizes, guest))
  const facts = readManifestFacts(manifest, { site: 'hq', guest, keyedAt: createdAt })
  if ('unreadable' in facts) throw new Error(facts.unreadable)
  const common = { folder, site: 'hq', guest, createdAt, sizeBytes: 4, artifactBytes: 4, facts }
  return { ...common, state: 'complete', ...more }
}

describe('our own command beside those of standard tools', () => {
  it('is that of a deployment on AWS, and of this machine elsewhere', () => {
    const start = `guestlift restore s3://b/${folder} --site hq`
    expect(ownRestoreCommand(entryOf([4]), { bucket: 'b' })).toBe(`${start} --deployment <name>`)
    expect(ownRestoreCommand(entryOf([4]), { bucket: 'b', s3: 'http://s3' })).toBe(
      `${start} --local --site-file <file> --bucket b --s3 http://s3`,
    )
  })

  it('says how to thaw an archive in Glacier', () => {
    expect(ownRestoreCommand(entryOf([4], { storageClass: 'DEEP_ARCHIVE' }), { bucket: 'b' })).toContain(
      '--thaw standard --deployment',
    )
  })

  it.each([
    ['of several files', entryOf([4, 4])],
    ['that is not whole', entryOf([4], { state: 'damaged', reason: 'A file is gone.' })],
    ['of a platform that nothing is restored on', withPlatform('island')],
  ])('is not there for an archive %s', (_what, entry) => {
    expect(ownRestoreCommand(entry, { bucket: 'b' })).toBeUndefined()
  })
})

function withPlatform(platform: string): CatalogueEntry {
  const { facts, ...rest } = entryOf([4])
  return { ...rest, ...(facts === undefined ? {} : { facts: { ...facts, platform } }) }
}

import { describe, expect, it } from 'vitest'
import { archiveAddress, asOf } from '../../../../functions/domain/catalogue/archive-address.ts'
import type { CatalogueEntry, GuestArchives } from '../../../../functions/domain/catalogue/catalogue.ts'
import { chooseArchive } from '../../../../functions/domain/catalogue/choose-archive.ts'
import { readManifestFacts } from '../../../../functions/domain/catalogue/manifest-facts.ts'
import { manifestOf } from '../../../fakes/manifest.ts'

interface Made {
  site?: string
  kind?: 'vm' | 'container'
  id?: string
  name?: string
  identity?: string
  state?: CatalogueEntry['state']
}

/** One guest's archives, one for each day of November 2026. */
function guestOf(days: readonly (number | [number, Made])[], common: Made = {}): GuestArchives {
  const { site = 'hq', kind = 'vm', id = '100' } = common
  const entries = days.map((day): CatalogueEntry => {
    const [date, own] = typeof day === 'number' ? [day, {}] : day
    const { name = 'web', identity = 'smbios:1', state = 'complete' } = { ...common, ...own }
    const createdAt = `2026-11-${String(date).padStart(2, '0')}T02:00:00.000Z`
    const manifest = manifestOf(createdAt, [4], { id, kind, name, node: 'pve1', identity: { id: identity } })
    const archive = { site, guest: { id, kind }, keyedAt: createdAt }
    const facts = readManifestFacts(JSON.stringify({ ...manifest, site }), archive)
    if ('unreadable' in facts) throw new Error(facts.unreadable)
    return {
      folder: `archives/${site}/${kind}-${id}/${createdAt.slice(0, 10)}T02-00-00Z/`,
      site,
      guest: { id, kind },
      createdAt,
      at: createdAt,
      state,
      ...(state === 'complete' ? {} : { reason: 'Half of it is gone.' }),
      sizeBytes: 4,
      artifactBytes: 4,
      facts,
    }
  })
  return { site, guest: { id, kind }, entries }
}

function foldersOf(text: string, guests: readonly GuestArchives[], at?: string): string[] {
  const address = archiveAddress(text, '')
  const found = guests.flatMap((guest) => asOf(address.of(guest), at))
  return found.flatMap(({ entries }) => entries.map(({ folder }) => folder))
}

function chosen(text: string, guests: readonly GuestArchives[], at?: string) {
  const address = archiveAddress(text, '')
  return chooseArchive(
    address,
    guests.flatMap((guest) => asOf(address.of(guest), at)),
  )
}

const web = guestOf([20, 21])
const container = guestOf([21], { kind: 'container', name: 'db' })
const files = guestOf([21], { id: '0f8f-d9', name: 'files' })

describe('an address', () => {
  it.each([
    ['100', 3],
    ['vm-100', 2],
    ['hq/vm-100', 2],
    ['hq/100', 3],
    ['WEB', 2],
    ['0F8F-D9', 1],
    ['hq/vm-0f8f-d9', 1],
    ['archives/hq/vm-100/2026-11-20T02-00-00Z/', 1],
    ['archives/hq/vm-100/2026-11-20T02-00-00Z', 1],
    ['s3://archives/archives/hq/vm-100/2026-11-20T02-00-00Z/manifest.json', 1],
    ['archives/hq/vm-100/2026-11-19T02-00-00Z/', 0],
    ['10', 0],
    ['eb', 0],
  ])('%s means what it names, and nothing besides', (text, count) => {
    expect(foldersOf(text, [web, container, files])).toHaveLength(count)
  })

  it('narrows the reading down to the site and id that it names', () => {
    expect(archiveAddress('branch/vm-7', '', 'hq').filter).toEqual({ site: 'branch', guestId: '7' })
    expect(archiveAddress('7', '', 'hq').filter).toEqual({ site: 'hq', guestId: '7' })
    expect(archiveAddress('web', '', 'hq').filter).toEqual({ site: 'hq' })
    expect(archiveAddress('vault/archives/hq/vm-100/2026-11-20T02-00-00Z/', 'vault/').filter).toEqual({
      site: 'hq',
      guestId: '100',
    })
  })

  it('keeps the bucket that it names, for whoever reads another', () => {
    expect(archiveAddress('s3://other/archives/hq/vm-100/2026-11-20T02-00-00Z/', '').bucket).toBe('other')
    expect(archiveAddress('web', '').bucket).toBeUndefined()
  })

  it('means, as of a time, what was archived on or before it', () => {
    expect(foldersOf('web', [web], '2026-11-20T23:59:59.999Z')).toEqual(['archives/hq/vm-100/2026-11-20T02-00-00Z/'])
    expect(foldersOf('web', [web], '2026-11-20T02:00:00.000Z')).toHaveLength(1)
    expect(foldersOf('web', [web], '2026-11-20T01:59:59.999Z')).toEqual([])
  })
})

describe('the archive that is chosen', () => {
  it('is the newest whole one, and those that were passed over are named', () => {
    const guest = guestOf([20, 21, [22, { state: 'damaged' }]])
    expect(chosen('100', [guest])).toMatchObject({
      entry: { createdAt: '2026-11-21T02:00:00.000Z' },
      passedOver: [{ createdAt: '2026-11-22T02:00:00.000Z' }],
    })
    expect(chosen('100', [guest], '2026-11-20T23:59:59.999Z')).toMatchObject({
      entry: { createdAt: '2026-11-20T02:00:00.000Z' },
      passedOver: [],
    })
  })

  it('is none where none is whole, and what is wrong with the newest is said', () => {
    expect(chosen('100', [guestOf([[22, { state: 'damaged' }]])])).toEqual({
      refused: '1 archive of hq/vm-100 (web), and none is whole. The newest is damaged: Half of it is gone.',
    })
  })

  it('is none of two guests that fit, and both are named', () => {
    expect(chosen('100', [web, container])).toEqual({
      refused:
        '100 may be any of 2 guests: hq/vm-100 (web), hq/container-100 (db). Name the site and kind, or the archive.',
    })
  })

  it('is never that of another guest that had the id before, unless that one is named', () => {
    const reused = guestOf([
      [20, { name: 'payroll', identity: 'smbios:9' }],
      [25, { name: 'scratch' }],
    ])
    expect(chosen('100', [reused])).toMatchObject({ entry: { createdAt: '2026-11-25T02:00:00.000Z' } })
    expect(chosen('100', [reused], '2026-11-21T00:00:00.000Z')).toEqual({
      refused:
        '100 has no archive of that time, but other guests that had the id before do: hq/vm-100 (payroll). Name one of them by its name, or its archive.',
    })
    for (const text of ['payroll', 'archives/hq/vm-100/2026-11-20T02-00-00Z/']) {
      expect(chosen(text, [reused])).toMatchObject({ entry: { createdAt: '2026-11-20T02:00:00.000Z' } })
    }
  })

  it('is none where nothing is called so', () => {
    expect(chosen('nobody', [web])).toEqual({ refused: 'There is no archive of nobody, or none of that time.' })
  })
})

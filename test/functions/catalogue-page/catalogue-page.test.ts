import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'
import type { RehearsalBook } from '../../../functions/contracts/drill.ts'
import type { CatalogueEntry, GuestArchives } from '../../../functions/domain/catalogue/catalogue.ts'
import { cataloguePage, pageGuest } from '../../../functions/catalogue-page/page.ts'
import { readManifestFacts } from '../../../functions/domain/catalogue/manifest-facts.ts'
import { withRehearsal } from '../../../functions/domain/restore/rehearsal-book.ts'
import { evidenceOf } from '../../fakes/drill-evidence.ts'
import { manifestOf } from '../../fakes/manifest.ts'

const hostile = `</script><script>document.title='pwned'</script><img src=x onerror="document.title='pwned'"><!--<script>`
const sha256 = (text: string) => createHash('sha256').update(text).digest('base64')
const about = {
  bucket: 'archives',
  keyPrefix: '',
  readAt: '2026-11-22T12:00:00.000Z',
  toolVersion: 'guestlift/0.1.0',
}

function guestOf(id: string, name: string, days: readonly number[], notes = ''): GuestArchives {
  const guest = { kind: 'vm', id } as const
  const entries = days.map((day): CatalogueEntry => {
    const createdAt = new Date(Date.UTC(2026, 9, day, 2)).toISOString()
    const manifest = manifestOf(createdAt, [day * 2 ** 30], { ...guest, name, node: 'pve1' })
    // The node is in Berlin, and so is the time in the name.
    const local = new Date(Date.parse(createdAt) + 3_600_000).toISOString().slice(0, 19)
    const fileName = `vzdump-qemu-${id}-${local.replaceAll('-', '_').replace('T', '-').replaceAll(':', '_')}.vma.zst`
    const artifacts = manifest.artifacts.map((artifact) => ({ ...artifact, fileName }))
    const text = JSON.stringify({ ...manifest, artifacts, evidence: { ...manifest.evidence, notes } })
    const facts = readManifestFacts(text, { site: 'hq', guest, keyedAt: createdAt })
    if ('unreadable' in facts) throw new Error(facts.unreadable)
    return {
      folder: `archives/hq/vm-${id}/${createdAt.slice(0, 19).replaceAll(':', '-')}Z/`,
      site: 'hq',
      guest,
      createdAt,
      state: day % 10 === 0 ? 'damaged' : 'complete',
      ...(day % 10 === 0 ? { reason: 'A file is gone.' } : {}),
      sizeBytes: day * 2 ** 30,
      artifactBytes: day * 2 ** 30,
      facts,
      ...(day % 3 === 0 ? { verification: { state: 'verified' as const, at: createdAt, tags: ['prod'] } } : {}),
    }
  })
  return { site: 'hq', guest, entries }
}

const nobody: RehearsalBook = { version: 1, site: 'hq', guests: [] }
const pageOf = (guests: readonly GuestArchives[], book: RehearsalBook | undefined = nobody) => {
  const texts = guests.map((guest) => pageGuest(guest, book))
  return [...cataloguePage(about, texts, sha256)].join('')
}

describe('the page of the catalogue', () => {
  it('holds its data as JSON that no name can break out of', () => {
    const page = pageOf([guestOf('100', hostile, [1, 2], hostile)])
    const [, data = ''] = /<script type="application\/json" id="data">([^<]*)<\/script>/.exec(page) ?? []
    expect(JSON.parse(data)).toMatchObject([
      {
        name: hostile,
        forms: [['vzdump-qemu-100-{}.vma.zst', 3600]],
        rows: [[expect.anything(), 2 ** 30, 0, -1, 0, 0, hostile, 0, 0, 1], {}],
      },
    ])
    expect(page).not.toContain('<img')
    // Its own three scripts, one style, and nothing else that could load or run.
    expect(page.match(/<script/g)).toHaveLength(3)
    expect(page.replace(data, '')).not.toMatch(
      /\b(?:src|href|action)=|https?:\/\/(?!www\.w3\.org\/2000\/svg)|@import|url\(/,
    )
  })

  it('counts a warning for an archive with warnings of which the platform said nothing, as for a lesser grade', () => {
    const { entries, ...id } = guestOf('100', 'web', [1])
    const warned = entries.map((entry) => ({
      ...entry,
      ...(entry.facts === undefined
        ? {}
        : { facts: { ...entry.facts, verdict: { name: 'archived-with-warnings' as const, reason: '' } } }),
    }))
    const rows = (guest: GuestArchives): unknown =>
      (JSON.parse(pageGuest(guest, nobody)) as { rows: unknown[][] }).rows[0]?.[5]
    expect([rows({ ...id, entries: warned }), rows({ ...id, entries })]).toEqual([1, 0])
  })

  it('holds a guest that had the id before by itself, and both times of an archive where they differ', () => {
    const { entries: before, ...id } = guestOf('100', 'payroll-db', [1, 2])
    const { entries: after } = guestOf('100', 'scratch', [3])
    const ahead = after.map((entry) => ({ ...entry, createdAt: '2031-10-03T02:00:00.000Z', at: entry.createdAt }))
    const page = pageOf([{ ...id, entries: [...before, ...ahead] }])
    const [, data = ''] = /<script type="application\/json" id="data">([^<]*)<\/script>/.exec(page) ?? []
    const [scratch, payroll] = JSON.parse(data) as { name: string; rows: unknown[][] }[]
    expect(payroll).toMatchObject({ name: 'payroll-db', former: true, rows: [{}, {}] })
    expect(scratch).toMatchObject({ name: 'scratch' })
    expect(scratch).not.toHaveProperty('former')
    const seconds = (instant: string | undefined) => Date.parse(instant ?? '') / 1000
    expect([scratch?.rows[0]?.[0], scratch?.rows[0]?.[7]]).toEqual(
      [after[0]?.createdAt, '2031-10-03T02:00:00.000Z'].map(seconds),
    )
  })

  it('has when each guest was rehearsed, and tells a guest that never was from a book that cannot be read', () => {
    const book = withRehearsal(nobody, evidenceOf('drill-1'), 'drills/2026/11/20/drill-1.json')
    const rehearsalIn = (page: string): unknown =>
      (JSON.parse(/id="data">([^<]*)</.exec(page)?.[1] ?? '') as { rehearsal?: unknown }[])[0]?.rehearsal
    const at = Date.parse('2026-11-20T02:05:00.000Z') / 1000
    expect(rehearsalIn(pageOf([guestOf('100', 'web', [1])], book))).toEqual([at, 1, 245, at])
    expect(rehearsalIn(pageOf([guestOf('101', 'db', [1])], book))).toBeUndefined()
    const text = pageGuest(guestOf('101', 'db', [1]), undefined)
    expect(JSON.parse(text)).toMatchObject({ rehearsal: [] })
  })

  it('escapes what stands in its head', () => {
    const page = [...cataloguePage({ ...about, bucket: '"><b>x', keyPrefix: '</title>' }, [], sha256)].join('')
    expect(page).not.toContain('<b>')
    expect(page.match(/<\/title>/g)).toHaveLength(1)
  })

  it('takes about fifty bytes for an archive', () => {
    const days = Array.from({ length: 2000 }, (_, day) => day + 1)
    expect(pageGuest(guestOf('100', 'web', days), nobody).length / days.length).toBeLessThan(50)
  })
})

const chromium = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) =>
  existsSync(path),
)

/** The page's document after its script ran, from a file, in a real browser. */
function domOf(page: string, search = ''): string {
  const folder = mkdtempSync(join(tmpdir(), 'guestlift-page-'))
  try {
    const file = join(folder, 'page.html')
    writeFileSync(file, page)
    const flags = [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      `--user-data-dir=${folder}/profile`,
    ]
    const address = `${pathToFileURL(file).href}${search === '' ? '' : `#${encodeURIComponent(search)}`}`
    return execFileSync(chromium ?? '', [...flags, '--dump-dom', address], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      maxBuffer: 2 ** 28,
    })
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

describe.skipIf(chromium === undefined)('the page in Chromium', () => {
  it('draws each guest with its timeline, runs nothing that a name brings along', { timeout: 60_000 }, () => {
    const dom = domOf(pageOf([guestOf('100', hostile, [1, 2, 3]), guestOf('101', 'db', [10, 20])]))
    expect(dom.match(/<section class="guest">/g)).toHaveLength(2)
    expect(dom.match(/<rect class="(?:good|verified)"/g)).toHaveLength(3)
    expect(dom.match(/<rect class="bad"/g)).toHaveLength(2)
    expect(dom).toContain('5 archives of 2 guests')
    expect(dom).toContain('<title>Archives in archives</title>')
    expect(dom).not.toContain('<img')
  })

  it('finds guests, and draws no more of thousands than are seen', { timeout: 60_000 }, () => {
    const guests = Array.from({ length: 3000 }, (_, index) => guestOf(String(100 + index), `guest-${index}`, [1, 2, 3]))
    const page = pageOf(guests)
    expect(domOf(page).match(/<section class="guest">/g)).toHaveLength(100)
    const found = domOf(page, 'guest-1234')
    expect(found.match(/<section class="guest">/g)).toHaveLength(1)
    expect(found).toContain('1 of 3000 guests')
  })
})

import { describe, expect, it } from 'vitest'
import { cataloguePage, pageReadAt } from '../../../../functions/catalogue-page/page.ts'
import {
  archiveFolder,
  catalogueIndexKey,
  cataloguePageKey,
  manifestKey,
} from '../../../../functions/domain/books/object-keys.ts'
import { storePage } from '../../../../functions/operations/catalogue/catalogue-page-file.ts'
import { writeCatalogue } from '../../../../functions/operations/catalogue/write-catalogue.ts'
import { manifestOf } from '../../../fakes/manifest.ts'
import { type FakePorts, fakePorts } from '../../../fakes/ports.ts'

const keyPrefix = 'vault/'
const web = { id: '100', kind: 'vm', name: 'web', node: 'pve1' } as const
const db = { id: '101', kind: 'container', name: 'db', node: 'pve1' } as const
const key = cataloguePageKey(keyPrefix, 'hq')

function scene(): FakePorts {
  return { ...fakePorts(), keyPrefix }
}

async function put({ store }: FakePorts, guest: typeof web | typeof db, day: number, site = 'hq'): Promise<void> {
  const createdAt = `2026-11-0${day}T02:00:00.000Z`
  const folder = archiveFolder(keyPrefix, site, guest, createdAt)
  const manifest = manifestOf(createdAt, [4], guest)
  const artifacts = manifest.artifacts.map((artifact) => ({ ...artifact, key: `${folder}file`, fileName: 'file' }))
  await store.writeText(`${folder}file`, 'vmaz')
  await store.writeText(manifestKey(folder), JSON.stringify({ ...manifest, site, artifacts }))
}

const pageText = async ({ store }: FakePorts) => (await store.readText(key))?.text ?? ''

/** Guests and their number of archives, as the page's script gets them. */
function rowsOf(page: string): Record<string, number> {
  const [, data = '[]'] = /id="data">([^<]*)<\/script>/.exec(page) ?? []
  const guests = JSON.parse(data) as { kind: string; id: string; rows: unknown[] }[]
  return Object.fromEntries(guests.map(({ kind, id, rows }) => [`${kind} ${id}`, rows.length]))
}

/** A page as another run left it. */
function pageReadThen(readAt: string): string {
  const about = { bucket: 'memory', keyPrefix, readAt, toolVersion: 'guestlift/other' }
  return [...cataloguePage(about, [], () => 'sum')].join('')
}

describe('writing the catalogue', () => {
  it('leaves the index objects of the site and its page, from one reading', async () => {
    const ports = scene()
    for (const day of [1, 2]) await put(ports, web, day)
    await put(ports, db, 1)
    await put(ports, db, 1, 'branch')
    const reads: string[] = []
    const readText = ports.store.readText.bind(ports.store)
    ports.store.readText = (each) => {
      reads.push(each)
      return readText(each)
    }
    expect(await writeCatalogue({ site: 'hq' }, ports)).toEqual({ guests: 2, archives: 3, notes: [] })
    expect(await ports.store.listKeys(`${keyPrefix}catalogue/`)).toEqual([
      `${keyPrefix}catalogue/hq/container-101.json`,
      key,
      `${keyPrefix}catalogue/hq/vm-100.json`,
    ])
    expect(reads.filter((each) => each.endsWith('manifest.json'))).toHaveLength(3)
    const page = await pageText(ports)
    expect(rowsOf(page)).toEqual({ 'vm 100': 2, 'container 101': 1 })
    expect(pageReadAt(page.slice(0, 2048))).toBe(ports.clock.now.toISOString())
    expect(ports.logged.find(({ event }) => event === 'catalogue-written')?.fields).toMatchObject({
      site: 'hq',
      written: 2,
      fromManifests: 3,
      pageWritten: true,
    })
  })

  it('dates the page by the beginning of the reading: what is archived meanwhile may be missing', async () => {
    const ports = scene()
    await put(ports, web, 1)
    const began = ports.clock.now.toISOString()
    const listObjects = ports.store.listObjects.bind(ports.store)
    ports.store.listObjects = async function* (prefix) {
      ports.clock.now = new Date(ports.clock.now.getTime() + 600_000)
      yield* listObjects(prefix)
    }
    await writeCatalogue({ site: 'hq' }, ports)
    expect(pageReadAt(await pageText(ports))).toBe(began)
  })

  it('writes the page again when nothing changed, since it says when it was read', async () => {
    const ports = scene()
    await put(ports, web, 1)
    await writeCatalogue({ site: 'hq' }, ports)
    ports.clock.now = new Date(ports.clock.now.getTime() + 86_400_000)
    await writeCatalogue({ site: 'hq' }, ports)
    expect(pageReadAt(await pageText(ports))).toBe(ports.clock.now.toISOString())
  })

  it('never replaces a page that was read later', async () => {
    const ports = scene()
    await put(ports, web, 1)
    const began = ports.clock.now
    const newer = pageReadThen(new Date(began.getTime() + 60_000).toISOString())
    const listObjects = ports.store.listObjects.bind(ports.store)
    ports.store.listObjects = async function* (prefix) {
      yield* listObjects(prefix)
      ports.clock.now = new Date(began.getTime() + 120_000)
      await ports.store.writeText(key, newer)
    }
    expect(await writeCatalogue({ site: 'hq' }, ports)).toMatchObject({ archives: 1 })
    expect(await pageText(ports)).toBe(newer)
  })

  it('looks again when another page came between its look and its write', async () => {
    const ports = scene()
    await put(ports, web, 1)
    const later = pageReadThen(new Date(ports.clock.now.getTime() - 1000).toISOString())
    const head = ports.store.head.bind(ports.store)
    let looks = 0
    ports.store.head = async (each) => {
      const found = await head(each)
      looks += 1
      if (looks === 1) await ports.store.writeText(key, later)
      return found
    }
    await writeCatalogue({ site: 'hq' }, ports)
    expect(looks).toBe(2)
    expect(rowsOf(await pageText(ports))).toEqual({ 'vm 100': 1 })
  })

  it.each([
    ['nothing', ''],
    ['somebody else’s page', '<!doctype html><p>mine'],
    ['a page from the future', pageReadThen('2036-01-01T00:00:00.000Z')],
  ])('replaces %s', async (_, text) => {
    const ports = scene()
    await put(ports, web, 1)
    await ports.store.writeText(key, text)
    await writeCatalogue({ site: 'hq' }, ports)
    expect(rowsOf(await pageText(ports))).toEqual({ 'vm 100': 1 })
  })

  it('gives up on a page that others never stop changing', async () => {
    const ports = scene()
    ports.store.writeText = async () => undefined
    const about = { bucket: 'memory', keyPrefix, readAt: ports.clock.now.toISOString(), toolVersion: 'guestlift/test' }
    expect(await storePage(key, about, [], ports)).toBe(false)
  })

  it('tells of index objects that were damaged, and writes them anew', async () => {
    const ports = scene()
    await put(ports, web, 1)
    await put(ports, db, 1)
    await writeCatalogue({ site: 'hq' }, ports)
    const index = catalogueIndexKey(keyPrefix, 'hq', web)
    const good = (await ports.store.readText(index))?.text ?? ''
    await ports.store.writeText(index, good.replace('"name":"web"', '"name":"wob"'))
    expect((await writeCatalogue({ site: 'hq' }, ports)).notes).toEqual([
      expect.stringMatching(/site hq: 1 index object was damaged and written anew/),
    ])
    expect((await ports.store.readText(index))?.text).toBe(good)
    // One that is merely old is everyday life.
    await put(ports, web, 2)
    expect((await writeCatalogue({ site: 'hq' }, ports)).notes).toEqual([])
  })
})

/** The page that a run writes, in a real browser: what a person sees, types and clicks. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BrowserPage, chromium, openInChromium } from './chromium.ts'
import { mixedCataloguePage } from './mixed-catalogue.ts'

const MAIL = 'mail-with-a-rather-long-name.internal.example.com'

if (chromium === undefined) console.warn('skipped: no chromium')

describe.skipIf(chromium === undefined)('the page that a run writes, in Chromium', () => {
  let folder: string
  let page: BrowserPage
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'guestlift-page-'))
    const file = join(folder, 'index.html')
    await writeFile(file, await mixedCataloguePage())
    page = await openInChromium(pathToFileURL(file).href)
  })
  afterAll(async () => {
    await page.close()
    await rm(folder, { recursive: true })
  })

  const names = () =>
    page.evaluate(`[...document.querySelectorAll('.guest .name')].map((it) => it.firstChild.textContent)`)
  const text = (selector: string) => page.evaluate(`document.querySelector(${JSON.stringify(selector)}).innerText`)
  const search = (words: string) =>
    page.evaluate(`new Promise((done) => {
      const box = document.getElementById('search')
      box.value = ${JSON.stringify(words)}
      box.dispatchEvent(new Event('input', { bubbles: true }))
      requestAnimationFrame(() => requestAnimationFrame(done))
    })`)
  const click = (selector: string) => page.evaluate(`document.querySelector(${JSON.stringify(selector)}).click()`)

  it('draws every guest with a timeline that fits its width', async () => {
    expect(await names()).toEqual([
      // None of its manifests can be read.
      '(no name)',
      'Büro-Archiv <alt>',
      'db01',
      MAIL,
      'web01',
    ])
    expect(await text('#totals')).toMatch(/^51 archives of 5 guests, /)
    expect(await page.evaluate(`document.querySelectorAll('.guest svg rect').length`)).toBe(51)
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true)
    expect(await text('.guest:nth-child(2)')).toMatch(/1 archive, /)
    const outside = `[...document.querySelectorAll('.guest svg')].filter((svg) => svg.getBoundingClientRect().width < 100).length`
    expect(await page.evaluate(outside)).toBe(0)
  })

  it('finds guests by name, id, note and day, whatever case, and says how many', async () => {
    for (const [words, found] of [
      ['DB', ['db01']],
      ['vm-7000', ['Büro-Archiv <alt>']],
      ['upgrade', [MAIL]],
      ['2026-10-24', ['Büro-Archiv <alt>', 'web01']],
      ['nobody', []],
    ] as const) {
      await search(words)
      expect([words, await names()]).toEqual([words, found])
      expect(await text('#found')).toBe(`${found.length} of 5 guests`)
    }
    await search('')
    expect(await names()).toHaveLength(5)
    expect(await text('#found')).toBe('')
  })

  it('shows those with trouble alone, in words that stand beside the colour', async () => {
    await click('#trouble')
    expect(await names()).toEqual(['(no name)', 'db01', MAIL])
    expect(await page.evaluate(`document.querySelectorAll('.guest .sub.trouble').length`)).toBe(5)
    await click('#trouble')
    expect(await names()).toHaveLength(5)
  })

  it('says in words when each guest was rehearsed, as a time that machines read too', async () => {
    const told = `Object.fromEntries([...document.querySelectorAll('.guest')].map((it) =>
      [it.querySelector('.name').firstChild.textContent, it.querySelector('button > span:last-child .sub:last-child').textContent.replace(/\\d+ days ago|today|yesterday|in the future/g, '<when>')]))`
    expect(await page.evaluate(told)).toEqual({
      '(no name)': 'never rehearsed',
      'Büro-Archiv <alt>': 'never rehearsed',
      db01: 'rehearsal failed <when>; none passed',
      [MAIL]: 'rehearsal failed <when>; last passed <when>',
      web01: 'rehearsed <when>, 4 min',
    })
    const times = `[...document.querySelectorAll('.guest time')].map((it) => it.dateTime)`
    expect(await page.evaluate(times)).toContain('2026-11-10T02:00:05.000Z')
  })

  it('opens a guest’s archives, newest first, with the command that restores them, and closes them', async () => {
    await search('mail')
    await click('.guest > button')
    expect(await text('.guest')).toMatch(/guestlift show hq\/vm-102 --bucket memory/)
    const rows = await page.evaluate(`[...document.querySelectorAll('.guest td.time')].map((it) => it.textContent)`)
    expect(rows).toEqual(['2026-11-20 02:00Z', '2026-11-13 02:00Z', '2026-11-06 02:00Z', '2026-10-30 02:00Z'])
    expect(await text('.guest tr:nth-child(2)')).toMatch(/archived, refused 2026-11-20\s+It ends early, at byte 4096\./)
    await click('.guest > button')
    expect(await page.evaluate(`document.querySelectorAll('.guest table').length`)).toBe(0)
    await search('')
  })

  it('can be read on a phone and loads nothing', async () => {
    const resources = await page.evaluate(`performance.getEntriesByType('resource').map(({ name }) => name)`)
    expect(resources).toEqual([])
    const [file = ''] = [await page.evaluate('location.href')].map(String)
    const phone = await openInChromium(file, { width: 390, height: 800 })
    await phone.evaluate(`document.querySelectorAll('.guest > button').forEach((button) => button.click())`)
    expect(await phone.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0)
    await phone.close()
  })
})

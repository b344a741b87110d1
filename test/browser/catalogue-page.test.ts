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

  it('draws every guest with a calendar that fits its width', async () => {
    expect(await names()).toEqual([
      // None of its manifests can be read.
      '(no name)',
      'Büro-Archiv <alt>',
      'db01',
      MAIL,
      'web01',
    ])
    expect(await text('#totals')).toMatch(/^51 archives of 5 guests, /)
    expect(await page.evaluate(`document.querySelectorAll('.guest svg rect:not(.none):not(.missed)').length`)).toBe(51)
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true)
    expect(await text('.guest:nth-child(2)')).toMatch(/1 archive, /)
    const outside = `[...document.querySelectorAll('.guest svg')].filter((svg) => svg.getBoundingClientRect().width < 100).length`
    expect(await page.evaluate(outside)).toBe(0)
  })

  it('is dense: a guest takes a line of its own and no more', async () => {
    const heights = await page.evaluate(
      `[...document.querySelectorAll('.guest > button')].map((it) => it.getBoundingClientRect().height)`,
    )
    expect(Math.max(...(heights as number[]))).toBeLessThanOrEqual(30)
  })

  it('shows days that were missed, to the eye and in words, and names real days that do not overlap', async () => {
    const of = (name: string) =>
      `[...document.querySelectorAll('.guest')].find((it) => it.querySelector('b').textContent === ${JSON.stringify(name)}).querySelector('svg')`
    // Once in its life, 29 days ago: a week is what is usual where nothing else is known.
    expect(await page.evaluate(`${of('Büro-Archiv <alt>')}.getAttribute('aria-label')`)).toMatch(
      /^Archives on 1 of the last 90 days\. 4 days missed, the last: 2026-11-07, 2026-11-14, 2026-11-21\.$/,
    )
    expect(await page.evaluate(`${of('Büro-Archiv <alt>')}.querySelectorAll('.missed').length`)).toBe(4)
    expect(await page.evaluate(`${of('web01')}.getAttribute('aria-label')`)).toBe(
      'Archives on 30 of the last 90 days. None missed.',
    )
    const labels = (await page.evaluate(
      `[...document.querySelectorAll('#axis span')].map((it) => [it.textContent, it.getBoundingClientRect().left, it.getBoundingClientRect().right])`,
    )) as [string, number, number][]
    expect(labels.at(-1)?.[0]).toBe('2026-11-22')
    for (const [text] of labels) expect(text).toMatch(/^2026-\d\d-\d\d$/)
    const overlapping = labels.filter(([, left], index) => left < (labels[index - 1]?.[2] ?? 0))
    expect(overlapping).toEqual([])
  })

  it('takes weeks for a year, and every archive into one of them', async () => {
    const show = (days: string) =>
      page.evaluate(
        `{ const it = document.getElementById('range'); it.value = '${days}'; it.dispatchEvent(new Event('change')) }`,
      )
    await show('365')
    const labels = await page.evaluate(
      `[...document.querySelectorAll('svg')].map((it) => it.getAttribute('aria-label'))`,
    )
    expect(labels).toContain('Archives on 5 of the last 53 weeks. None missed.')
    await show('0')
    expect(await page.evaluate(`document.querySelectorAll('.guest svg rect:not(.none):not(.missed)').length`)).toBe(51)
    await show('90')
  })

  it('marks the day that is searched for', async () => {
    await search('2026-11-01')
    expect(await names()).toEqual(['web01'])
    expect(await page.evaluate(`document.querySelectorAll('svg .match').length`)).toBe(1)
    await search('')
    expect(await page.evaluate(`document.querySelectorAll('svg .match').length`)).toBe(0)
  })

  it('counts on top what needs a person, and shows the guests of a count', async () => {
    const counts = await page.evaluate(`[...document.querySelectorAll('#health button')].map((it) => it.textContent)`)
    expect(counts).toEqual([
      '1 stale',
      '1 without a whole archive',
      '1 refused',
      '2 broken',
      '2 rehearsal failed',
      '2 never rehearsed',
    ])
    await click('#health button:nth-child(3)')
    expect(await names()).toEqual([MAIL])
    expect(await page.evaluate(`document.querySelectorAll('#health [aria-pressed=true]').length`)).toBe(1)
    await click('#health button:nth-child(3)')
    expect(await names()).toHaveLength(5)
  })

  it('is walked through by keyboard', async () => {
    const press = (key: string) =>
      page.evaluate(
        `document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key: ${JSON.stringify(key)}, bubbles: true }))`,
      )
    const focused = () => page.evaluate(`document.activeElement.id || document.activeElement.innerText.split('\\n')[0]`)
    await press('/')
    expect(await focused()).toBe('search')
    await press('ArrowDown')
    await press('ArrowDown')
    expect(await focused()).toMatch(/^Büro-Archiv/)
    await press('ArrowUp')
    expect(await focused()).toMatch(/^\(no name\)/)
    await search('web')
    await press('Escape')
    expect(await names()).toHaveLength(5)
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

/**
 * `node test/bench/page.ts`: the catalogue page of many guests with many archives in a browser: its size, how long it takes
 * until it is drawn, and how long a search takes. `--pictures <folder>` also writes what is seen, wide, dark and on a phone.
 */
import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Command } from 'commander'
import { type PageGuestText, cataloguePage } from '../../functions/catalogue-page/page.ts'
import { openInChromium } from '../browser/chromium.ts'

const program = new Command()
  .option('--guests <n>', 'how many', Number, 500)
  .option('--archives <n>', 'of each', Number, 400)
  .option('--pictures <folder>', 'write pictures of the page here')
  .parse()
const { guests, archives, pictures } = program.opts<{ guests: number; archives: number; pictures?: string }>()
const READ_AT = '2026-11-30T06:00:00.000Z'
const DAY = 86_400
const now = Date.parse(READ_AT) / 1000

/** Numbers that look random and are the same each time. */
let state = 7
function random(): number {
  state = (state * 1_103_515_245 + 12_345) % 2 ** 31
  return state / 2 ** 31
}

/** Daily, or weekly for every fifth, with some days missed, some archives damaged, some verified. */
function rowsOf(guest: number): number[][] {
  const days = guest % 5 === 0 ? 7 : 1
  const all = Array.from({ length: archives }, (_, index) => archives - 1 - index).filter(() => random() > 0.02)
  return all.map((at) => {
    const time = Math.round(now - at * days * DAY - 4 * 3600 + random() * 600)
    const verified = at % 30 === 3
    const state = random() < 0.001 ? 3 : 0
    return [
      time,
      Math.round(2e9 + random() * 4e8),
      state,
      verified ? 0 : -1,
      verified ? time : 0,
      random() < 0.01 ? 2 : 0,
    ]
  })
}

function guestAt(index: number): PageGuestText {
  const name = `${['web', 'db', 'mail', 'build', 'dns'][index % 5]}${String(index).padStart(3, '0')}.example.com`
  const at = now - DAY * (index % 40)
  const rehearsal = index % 4 === 0 ? { rehearsal: [at, index % 44 === 0 ? 0 : 1, 240, at] } : {}
  const kind = index % 3 === 0 ? 'container' : 'vm'
  const guest = {
    site: 'hq',
    kind,
    id: String(100 + index),
    name,
    tags: [],
    forms: [],
    rows: rowsOf(index),
    ...rehearsal,
  }
  return JSON.stringify(guest) as PageGuestText
}

const about = { bucket: 'archives', keyPrefix: '', readAt: READ_AT, toolVersion: 'guestlift/bench' }
const sha256 = (text: string): string => createHash('sha256').update(text).digest('base64')
const html = [
  ...cataloguePage(
    about,
    Array.from({ length: guests }, (_, index) => guestAt(index)),
    sha256,
  ),
].join('')
const folder = await mkdtemp(join(tmpdir(), 'guestlift-page-bench-'))
const drawn = 'new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now()))))'
try {
  const file = join(folder, 'index.html')
  await writeFile(file, html)
  const { href } = pathToFileURL(file)
  const page = await openInChromium(href, { width: 1400, height: 900 })
  const shownAfter = Number(await page.evaluate(drawn))
  const rows = await page.evaluate(
    `[...document.querySelectorAll('.guest')].filter((it) => it.getBoundingClientRect().bottom <= innerHeight).length`,
  )
  const searchTook = Number(
    await page.evaluate(`(async () => {
      const from = performance.now()
      const box = document.getElementById('search')
      box.value = '2026-11-03 db'
      box.dispatchEvent(new Event('input'))
      return (await ${drawn}) - from
    })()`),
  )
  console.log(
    `${guests} guests with ${archives} archives each: ${(html.length / 2 ** 20).toFixed(1)} MiB, drawn after ${(shownAfter / 1000).toFixed(1)} s, ` +
      `a search took ${(searchTook / 1000).toFixed(1)} s; ${String(rows)} guests on a screen of 1400 by 900; load ${loadavg()[0]?.toFixed(1)}`,
  )
  if (pictures !== undefined) {
    await writeFile(join(pictures, 'wide.png'), await page.screenshot())
    await page.evaluate(`document.documentElement.style.colorScheme = 'dark'; ${drawn}`)
    await writeFile(join(pictures, 'dark.png'), await page.screenshot())
    const phone = await openInChromium(href, { width: 390, height: 800 })
    await phone.evaluate(drawn)
    await writeFile(join(pictures, 'phone.png'), await phone.screenshot())
    await phone.close()
  }
  await page.close()
} finally {
  await rm(folder, { recursive: true })
}

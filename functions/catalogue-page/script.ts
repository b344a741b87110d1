import { GRADE_SCRIPT } from './grade.ts'
import { HEALTH_SCRIPT } from './health.ts'
import { REHEARSAL_SCRIPT } from './rehearsal.ts'
import { RESTORE_SCRIPT } from './restore.ts'
import { STRIP_SCRIPT } from './strip.ts'

/**
 * What runs in the browser. Everything from the catalogue reaches the page as text nodes alone. Only what is seen is
 * built: a hundred guests at a time, two hundred archives of an open one, and one mark for each day of a calendar.
 */
export const PAGE_SCRIPT = `
'use strict'
{
  const GUESTS_AT_A_TIME = 100, ROWS_AT_A_TIME = 200
  const STATES = ['archived', 'incomplete', 'unreadable', 'damaged']
  const VERIFICATIONS = ['verified', 'refused', 'tried, not verified', 'verification unreadable']
${GRADE_SCRIPT}${RESTORE_SCRIPT}${REHEARSAL_SCRIPT}  const byId = (id) => document.getElementById(id)
  const about = JSON.parse(byId('about').textContent)
  const guests = JSON.parse(byId('data').textContent)
  byId('data').remove()

  const bytes = (count) => {
    const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']
    let unit = 0
    while (count >= 1024 && unit < units.length - 1) { count /= 1024; unit += 1 }
    return (unit === 0 ? count : count.toFixed(1)) + ' ' + units[unit]
  }
  const counted = (count, noun) => count + ' ' + noun + (count === 1 ? '' : 's')
  const iso = (seconds) => new Date(seconds * 1000).toISOString()
  const time = (seconds) => iso(seconds).slice(0, 16).replace('T', ' ') + 'Z'
  const isBroken = (row) => row[2] > 0 || row[3] === 1 || row[3] === 3
  const isLesser = (row) => isLesserCode(row[8])
  const hasTrouble = (row) => isBroken(row) || isLesser(row)
  const className = (row) => isBroken(row) ? 'bad' : row[5] > 0 || isLesser(row) ? 'warned' : row[3] === 0 ? 'verified' : 'good'
  const element = (tag, className, text) => {
    const made = document.createElement(tag)
    if (className) made.className = className
    if (text !== undefined) made.textContent = text
    return made
  }
  const drawn = (tag, attributes) => {
    const made = document.createElementNS('http://www.w3.org/2000/svg', tag)
    for (const name in attributes) made.setAttribute(name, attributes[name])
    return made
  }

${STRIP_SCRIPT}${HEALTH_SCRIPT}
  let from = Infinity, archives = 0, total = 0
  for (const guest of guests) {
    // Trailing zeros are left out of the file: a row's missing numbers are zero, but unverified is -1.
    for (const row of guest.rows) {
      for (let at = row.length; at < 6; at++) row[at] = 0
      if (row[6] === undefined) row[6] = ''
      for (let at = 7; at < 9; at++) if (row[at] === undefined) row[at] = 0
      from = Math.min(from, row[0])
      total += row[1]; archives += 1
    }
    guest.bytes = guest.rows.reduce((sum, row) => sum + row[1], 0)
    guest.broken = guest.rows.filter(hasTrouble).length
    guest.newest = guest.rows.length === 0 ? 0 : guest.rows[guest.rows.length - 1][0]
    guest.usual = usualDays(guest.rows)
    guest.missed = missedDays(guest.rows, guest.usual)
    guest.lastGood = lastGood(guest)
    guest.notes = [...new Set(guest.rows.map((row) => row[6]))]
    guest.text = [guest.name, guest.id, guest.kind + '-' + guest.id, guest.site, ...guest.tags, ...guest.notes].join('\\n').toLowerCase()
  }
  byId('totals').textContent = counted(archives, 'archive') + ' of ' + counted(guests.length, 'guest') + ', ' + bytes(total) + '.'

  function stateOf(row) {
    const verified = row[3] < 0 ? 'not verified' : VERIFICATIONS[row[3]] + (row[4] > 0 ? ' ' + iso(row[4]).slice(0, 10) : '')
    const warnings = row[5] > 0 ? ' with ' + row[5] + ' warning' + (row[5] === 1 ? '' : 's') : ''
    return STATES[row[2]] + warnings + ', ' + verified
  }
  // Where the platform's clock was wrong, the archive lies under the time that it said.
  const dated = (row) => row[7] > 0 ? row[7] : row[0]
  const madeAt = (row) => time(row[0]) + (row[7] > 0 ? ' (dated ' + time(row[7]) + ')' : '')
  const folderOf = (guest, row) =>
    about.keyPrefix + 'archives/' + guest.site + '/' + guest.kind + '-' + guest.id + '/' + iso(dated(row)).slice(0, 19).replaceAll(':', '-') + 'Z/'

  // Of each file, one after the other.
  function commandsOf(guest, row) {
    const lines = []
    for (const number of row.slice(9)) {
      const [form, ahead] = guest.forms[number - 1]
      const fileName = longName(form, ahead, dated(row))
      lines.push(...restoreLines(about, guest, folderOf(guest, row), fileName))
    }
    return lines.join('\\n')
  }

  function table(guest) {
    const made = element('div')
    const command = element('p')
    const what = guest.former ? folderOf(guest, guest.rows[guest.rows.length - 1]) : guest.site + '/' + guest.kind + '-' + guest.id
    command.append('To restore: ', element('code', '', 'guestlift show ' + what + ' --bucket ' + about.bucket + (about.keyPrefix === '' ? '' : ' --prefix ' + about.keyPrefix)))
    const grid = element('table')
    const head = element('tr')
    for (const text of ['made', 'size', 'state', 'note', 'grade', 'in the bucket']) head.append(element('th', '', text))
    grid.append(head)
    const rows = guest.rows.slice().reverse()
    let shown = 0
    const more = element('button', '', 'Older archives')
    const showMore = () => {
      for (const row of rows.slice(shown, shown + ROWS_AT_A_TIME)) {
        const line = element('tr')
        const state = element('td', isBroken(row) ? 'trouble' : '', stateOf(row))
        const key = element('td')
        key.append(element('code', '', folderOf(guest, row)), ' ')
        const commands = commandsOf(guest, row)
        const toggle = element('button', 'restore', 'Restore')
        toggle.type = 'button'
        toggle.hidden = commands === ''
        // 'trouble' colours the words; the marks' own classes would fill the cell.
        line.append(element('td', 'time', madeAt(row)), element('td', 'size', bytes(row[1])), state, element('td', 'note', row[6]), element('td', isLesser(row) ? 'trouble' : '', gradeOf(row[8])), key)
        grid.append(line)
        let opened
        toggle.addEventListener('click', () => {
          if (opened === undefined) {
            opened = element('tr', 'commands')
            const cell = element('td')
            cell.colSpan = line.children.length
            cell.append(element('pre', '', commands))
            opened.append(cell)
            line.after(opened)
          } else { opened.remove(); opened = undefined }
          toggle.setAttribute('aria-expanded', String(opened !== undefined))
        })
        toggle.setAttribute('aria-expanded', 'false')
        key.append(toggle)
      }
      shown = Math.min(rows.length, shown + ROWS_AT_A_TIME)
      more.hidden = shown >= rows.length
    }
    more.addEventListener('click', showMore)
    showMore()
    made.append(command, grid, more)
    return made
  }

  function guestElement(guest) {
    const made = element('section', 'guest')
    const head = element('button')
    head.type = 'button'
    head.setAttribute('aria-expanded', 'false')
    const name = element('span', 'name')
    const what = guest.site + ', ' + guest.kind + ' ' + guest.id + (guest.tags.length === 0 ? '' : ', ' + guest.tags.join(', '))
    name.title = (guest.name === '' ? '(no name)' : guest.name) + ', ' + what
    name.append(element('b', '', guest.name === '' ? '(no name)' : guest.name), ' ', element('span', 'sub', what))
    if (guest.former) name.append(' ', element('span', 'sub trouble', 'another guest that had this id'))
    const newest = element('span', 'newest')
    const when = element('time', '', ago(guest.newest))
    when.dateTime = iso(guest.newest)
    when.title = 'newest ' + time(guest.newest)
    newest.append(when)
    const sums = element('span', 'sums', counted(guest.rows.length, 'archive') + ', ' + bytes(guest.bytes))
    const health = element('span', 'health')
    if (guest.broken > 0) health.append(element('span', 'sub trouble', guest.broken + ' with trouble'), ' ')
    health.append(rehearsalElement(guest))
    head.append(name, stripOf(guest, words()), newest, sums, health)
    let opened
    head.addEventListener('click', () => {
      if (opened === undefined) { opened = table(guest); made.append(opened) } else { opened.remove(); opened = undefined }
      head.setAttribute('aria-expanded', String(opened !== undefined))
    })
    made.append(head)
    return made
  }

  const orders = {
    name: (one, other) => one.name.localeCompare(other.name, 'en', { numeric: true }) || one.id.localeCompare(other.id, 'en', { numeric: true }),
    newest: (one, other) => one.newest - other.newest,
    size: (one, other) => other.bytes - one.bytes,
    count: (one, other) => other.rows.length - one.rows.length,
  }
  const DAY = /^\\d{4}-\\d\\d(-\\d\\d)?$/
  let chosen = [], shown = 0
  const words = () => byId('search').value.toLowerCase().split(/\\s+/).filter(Boolean)
  function choose() {
    const wanted = words()
    const trouble = byId('trouble').checked
    const fits = (guest) => wanted.every((word) =>
      guest.text.includes(word) || (DAY.test(word) && guest.rows.some((row) => iso(row[0]).startsWith(word))))
    chosen = guests.filter((guest) => (!trouble || guest.broken > 0 || isFailedRehearsal(guest)) && (concern === undefined || concern(guest)) && fits(guest)).sort(orders[byId('sort').value])
    byId('guests').replaceChildren()
    shown = 0
    byId('found').textContent = chosen.length === guests.length ? '' : chosen.length + ' of ' + counted(guests.length, 'guest')
    showMore()
  }
  function showMore() {
    byId('guests').append(...chosen.slice(shown, shown + GUESTS_AT_A_TIME).map(guestElement))
    shown = Math.min(chosen.length, shown + GUESTS_AT_A_TIME)
    byId('more').hidden = shown >= chosen.length
  }
  let waiting = 0
  byId('search').addEventListener('input', () => { cancelAnimationFrame(waiting); waiting = requestAnimationFrame(choose) })
  byId('trouble').addEventListener('change', choose)
  byId('sort').addEventListener('change', choose)
  byId('range').addEventListener('change', () => { setRange(Number(byId('range').value)); drawAxis(); choose() })
  let resizing = 0
  addEventListener('resize', () => { cancelAnimationFrame(resizing); resizing = requestAnimationFrame(drawAxis) })
  // By keyboard: / to the search, arrows from guest to guest, Escape back to all of them.
  addEventListener('keydown', (event) => {
    const search = byId('search'), at = document.activeElement
    if (event.ctrlKey || event.metaKey || event.altKey) return
    if (event.key === '/' && at !== search) { event.preventDefault(); search.focus(); search.select() }
    else if (event.key === 'Escape' && search.value !== '') { search.value = ''; choose() }
    else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      const heads = [...document.querySelectorAll('.guest > button')]
      const index = heads.indexOf(at)
      if (index < 0 && at !== search) return
      const next = heads[event.key === 'ArrowDown' ? index + 1 : index - 1]
      if (next !== undefined) { event.preventDefault(); next.focus() }
    }
  })
  byId('controls').addEventListener('submit', (event) => event.preventDefault())
  byId('more').addEventListener('click', showMore)
  // A search can be linked to: page.html#web
  if (location.hash.length > 1) byId('search').value = decodeURIComponent(location.hash.slice(1))
  setRange(Number(byId('range').value))
  drawAxis()
  drawHealth()
  choose()
}
`

/**
 * Of the page's script: a calendar for each guest, one cell a day. In a longer range a cell is a week or thirty days. All
 * guests have the same days under one another, by UTC, up to the day on which the page was read.
 */
export const STRIP_SCRIPT = `
  const WIDTH = 600, HEIGHT = 16, USUAL_OF = 30, LEAST_FOR_USUAL = 3, USUAL_DAYS = 7
  const dayOf = (seconds) => Math.floor(seconds / DAY_SECONDS)
  const dayText = (day) => new Date(day * DAY_SECONDS * 1000).toISOString().slice(0, 10)
  const readDay = dayOf(Date.parse(about.readAt) / 1000)

  // How many days usually lie between two archives: the median of the last ones. Few archives say nothing: a week.
  function usualDays(rows) {
    const times = rows.filter((row) => !isBroken(row)).map((row) => row[0]).sort((one, other) => one - other).slice(-USUAL_OF)
    if (times.length < LEAST_FOR_USUAL) return USUAL_DAYS
    const gaps = times.slice(1).map((at, index) => at - times[index]).sort((one, other) => one - other)
    return Math.max(1, Math.round(gaps[Math.floor(gaps.length / 2)] / DAY_SECONDS))
  }
  // Days on which an archive was due and none came: one and a half times the usual distance went by. Today's may yet come.
  function missedDays(rows, usual) {
    const days = rows.filter((row) => !isBroken(row)).map((row) => dayOf(row[0])).sort((one, other) => one - other)
    const missed = new Set()
    days.forEach((day, index) => {
      const next = index + 1 < days.length ? days[index + 1] : readDay
      if (next - day > usual * 1.5) for (let late = day + usual; late < next; late += usual) missed.add(late)
    })
    return missed
  }

  let range
  function setRange(days) {
    const span = days > 0 ? days : Math.max(1, readDay - dayOf(from) + 1)
    const perCell = span <= 120 ? 1 : span <= 840 ? 7 : 30
    const cells = Math.ceil(span / perCell)
    range = { first: readDay - cells * perCell + 1, perCell, cells, wide: WIDTH / cells }
  }
  // What is dated after the reading stands in the last cell, where it shows.
  const cellOf = (day) => Math.min(range.cells - 1, Math.floor((day - range.first) / range.perCell))
  const firstDayOf = (cell) => range.first + cell * range.perCell
  const cellText = (cell) => dayText(firstDayOf(cell)) + (range.perCell === 1 ? '' : ' to ' + dayText(firstDayOf(cell) + range.perCell - 1))

  const rank = (row) => isBroken(row) ? 3 : className(row) === 'warned' ? 2 : row[3] === 0 ? 1 : 0
  function stripOf(guest, words) {
    const svg = drawn('svg', { viewBox: '0 0 ' + WIDTH + ' ' + HEIGHT, preserveAspectRatio: 'none', role: 'img', class: 'strip' })
    const cells = new Map()
    for (const row of guest.rows) {
      const cell = cellOf(dayOf(row[0]))
      if (cell < 0) continue
      const there = cells.get(cell)
      if (there === undefined) cells.set(cell, [row])
      else there.push(row)
    }
    const missed = new Set()
    for (const day of guest.missed) if (day >= range.first && !cells.has(cellOf(day))) missed.add(cellOf(day))
    const begun = guest.rows.length === 0 ? range.cells : cellOf(dayOf(guest.rows[0][0]))
    for (let cell = Math.max(0, begun); cell < range.cells; cell++) {
      const rows = cells.get(cell)
      // The worst is seen; a missed day is an empty box, a day on which none was due a dot.
      const worst = rows && rows.reduce((one, other) => rank(other) > rank(one) ? other : one)
      const kind = worst !== undefined ? className(worst) : missed.has(cell) ? 'missed' : 'none'
      const inset = kind === 'none' ? 0.42 : kind === 'bad' ? 0.02 : 0.1
      const height = kind === 'none' ? 2 : kind === 'bad' ? HEIGHT : kind === 'missed' ? HEIGHT - 6 : HEIGHT - 4
      const wide = range.wide * (1 - 2 * inset)
      const mark = drawn('rect', { class: kind, x: (cell * range.wide + range.wide * inset).toFixed(2), width: wide.toFixed(2), y: (HEIGHT - height) / 2, height })
      if (kind !== 'none') {
        const title = drawn('title', {})
        const made = (rows || []).map((row) => madeAt(row) + ', ' + bytes(row[1]) + ', ' + stateOf(row) + ', ' + gradeOf(row[8]))
        title.textContent = made.length > 0 ? made.join('\\n') : cellText(cell) + ': none, though one was due'
        mark.append(title)
      }
      svg.append(mark)
      if (words.some((word) => DAY.test(word) && (dayText(firstDayOf(cell)).startsWith(word) || (rows || []).some((row) => iso(row[0]).startsWith(word)))))
        svg.append(drawn('rect', { class: 'match', x: (cell * range.wide).toFixed(2), width: range.wide.toFixed(2), y: 0, height: HEIGHT }))
    }
    svg.setAttribute('aria-label', stripText(cells.size, missed))
    return svg
  }
  function stripText(filled, missed) {
    const unit = range.perCell === 1 ? 'day' : range.perCell === 7 ? 'week' : 'month'
    const gaps = [...missed].sort((one, other) => one - other)
    const shown = gaps.slice(-3).map(cellText).join(', ')
    return 'Archives on ' + filled + ' of the last ' + counted(range.cells, unit) + '. ' +
      (gaps.length === 0 ? 'None missed.' : counted(gaps.length, unit) + ' missed, the last: ' + shown + '.')
  }

  // Real days: months where there is room for many, else every week; the last day is always named.
  function drawAxis() {
    const labels = byId('axis')
    const places = []
    for (let cell = 0; cell < range.cells; cell++) {
      const date = new Date(firstDayOf(cell) * DAY_SECONDS * 1000)
      const isMonday = date.getUTCDay() === 1, isFirst = date.getUTCDate() <= range.perCell
      if (range.cells <= 60 && range.perCell === 1 ? isMonday : isFirst) places.push(cell)
    }
    const most = Math.max(2, Math.floor(labels.clientWidth / 80))
    const step = Math.max(1, Math.ceil(places.length / most))
    labels.replaceChildren(...places.filter((_, index) => index % step === 0 && (range.cells - places[index]) / range.cells * labels.clientWidth > 150).map((cell) => {
      const label = element('span', '', dayText(firstDayOf(cell)))
      label.style.left = (cell / range.cells * 100).toFixed(2) + '%'
      return label
    }))
    const last = element('span', 'last', dayText(readDay))
    labels.append(last)
  }
`

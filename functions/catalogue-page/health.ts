/** Of the page's script: what needs a person, counted over all guests. Each count shows the guests that it counts. */
export const HEALTH_SCRIPT = `
  const lastGood = (guest) => guest.rows.reduce((last, row) => isBroken(row) ? last : Math.max(last, row[0]), 0)
  const readAt = Date.parse(about.readAt) / 1000
  const CONCERNS = [
    ['stale', 'stale: nothing whole for twice the time that usually lies between its archives',
      (guest) => !guest.former && guest.lastGood > 0 && readAt - guest.lastGood > (2 * guest.usual + 1) * DAY_SECONDS],
    ['without a whole archive', 'none of its archives can be restored', (guest) => !guest.former && guest.lastGood === 0],
    ['refused', 'an archive was read back and refused', (guest) => guest.rows.some((row) => row[3] === 1)],
    ['broken', 'an archive is incomplete, damaged or unreadable', (guest) => guest.rows.some((row) => row[2] > 0 || row[3] === 3)],
    ['less than required', 'its newest archive reached less than its job required', (guest) => guest.rows.length > 0 && isLesser(guest.rows[guest.rows.length - 1])],
    ['rehearsal failed', 'its last rehearsed restore failed', isFailedRehearsal],
    ['never rehearsed', 'no restore of it was ever rehearsed', (guest) => !guest.former && guest.rehearsal === undefined],
  ]
  let concern
  function drawHealth() {
    const line = byId('health')
    let serious = 0
    for (const [name, meaning, counts] of CONCERNS) {
      const found = guests.filter(counts).length
      if (found === 0) continue
      if (name !== 'never rehearsed') serious += 1
      const button = element('button', name === 'never rehearsed' ? '' : 'trouble', found + ' ' + name)
      button.type = 'button'
      button.title = meaning
      button.setAttribute('aria-pressed', 'false')
      button.addEventListener('click', () => {
        concern = concern === counts ? undefined : counts
        for (const other of line.querySelectorAll('button')) other.setAttribute('aria-pressed', String(concern === counts && other === button))
        choose()
      })
      line.append(button)
    }
    if (serious === 0) line.prepend(element('span', '', guests.length === 0 ? 'There are no archives.' : 'Every guest has a recent archive, and nothing is refused or broken.'))
  }
`

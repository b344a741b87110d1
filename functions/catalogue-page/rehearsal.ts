/** Of the page's script: when a guest was rehearsed last. Words say it, and colour only repeats them. */
export const REHEARSAL_SCRIPT = `  const DAY_SECONDS = 86400
  const took = (seconds) => seconds < 60 ? seconds + ' s' : Math.round(seconds / 60) + ' min'
  // By the clock of whoever looks: the page may be weeks old.
  const ago = (seconds) => {
    const days = Math.floor((performance.timeOrigin / 1000 - seconds) / DAY_SECONDS)
    return days < 0 ? 'in the future' : days === 0 ? 'today' : days === 1 ? 'yesterday' : days + ' days ago'
  }
  const isFailedRehearsal = (guest) => guest.rehearsal !== undefined && guest.rehearsal.length > 0 && guest.rehearsal[1] === 0
  // As pieces: a number is a time, which is shown as how long ago that is.
  function rehearsalPieces(guest) {
    if (guest.rehearsal === undefined) return guest.former ? [] : ['never rehearsed']
    const [at, passed, seconds, passedAt] = guest.rehearsal
    if (at === undefined) return ['rehearsals not known']
    if (passed === 1) return ['rehearsed ', at, ', ' + took(seconds)]
    return ['rehearsal failed ', at].concat(passedAt > 0 ? ['; last passed ', passedAt] : ['; none passed'])
  }
  function rehearsalElement(guest) {
    const made = element('span', isFailedRehearsal(guest) ? 'sub trouble' : 'sub')
    for (const piece of rehearsalPieces(guest)) {
      if (typeof piece === 'string') { made.append(piece); continue }
      const when = element('time', '', ago(piece))
      when.dateTime = iso(piece)
      when.title = time(piece)
      made.append(when)
    }
    return made
  }
`

import { advance, type RunEvent, nothingYet, type RunProgress } from './progress.ts'
import { guestLine, isDelivering, renderProgress, troubleOf } from './render-progress.ts'

/** How often it is looked whether anything changed. */
const REDRAW_MILLISECONDS = 200

export interface Display {
  show(happening: RunEvent): void
  /** Say something that stays, above the moving lines. */
  say(line: string): void
  /** Draw the last state and let go of the terminal. */
  end(): void
}

/** Shows a run on standard error: redrawn lines on a terminal, one line per change elsewhere. Never mixes with --json. */
export function openDisplay(stream: NodeJS.WriteStream, now: () => number = Date.now): Display {
  return stream.isTTY ? terminalDisplay(stream, now) : plainDisplay(stream, now)
}

function terminalDisplay(stream: NodeJS.WriteStream, now: () => number): Display {
  let progress: RunProgress = nothingYet
  let drawn = 0
  let last = ''
  const draw = (above: string[] = []) => {
    const lines = renderProgress(progress, now(), stream.columns, stream.rows)
    const text = `${stream.columns} ${lines.join('\n')}`
    if (above.length === 0 && text === last) return
    last = text
    const up = drawn > 0 ? `\u001b[${drawn}A` : ''
    stream.write(`${up}\r\u001b[J${[...above, ...lines].join('\n')}\n`)
    drawn = lines.length
  }
  const timer = setInterval(() => draw(), REDRAW_MILLISECONDS)
  let ended = false
  return {
    show: (happening) => {
      progress = advance(progress, happening, now())
    },
    say: (line) => {
      if (ended) stream.write(`${line}\n`)
      else draw([line])
    },
    end: () => {
      // What comes after belongs to others: a second drawing would wipe it.
      if (ended) return
      ended = true
      clearInterval(timer)
      draw()
    },
  }
}

/** For logs and CI: a line when a step begins, every tenth percent, and each outcome. */
function plainDisplay(stream: NodeJS.WriteStream, now: () => number): Display {
  let progress: RunProgress = nothingYet
  const said = new Map<string, string>()
  const once = (topic: string, line: string) => {
    if (said.get(topic) === line) return
    said.set(topic, line)
    stream.write(`${line}\n`)
  }
  return {
    show: (happening) => {
      progress = advance(progress, happening, now())
      if (movesRun(happening, progress)) once('run', coarseRun(progress))
      if (happening.kind === 'call-repeated') once('call', `  trying again: ${happening.reason}`)
      if ((happening.kind === 'trouble' || happening.kind === 'tried-again') && happening.id === undefined) {
        once('run', `${happening.step}${troubleOf(progress)}`)
      }
      const guest = 'id' in happening && happening.id !== undefined ? progress.guests.get(happening.id) : undefined
      if (guest === undefined) return
      if (guest.ended !== undefined) once(guest.id, guestLine(guest, now()))
      else if (happening.kind === 'trouble' || happening.kind === 'tried-again')
        once(guest.id, `  ${guest.id} ${guest.name}: ${guest.step}${troubleOf(guest)}`)
      else once(guest.id, `  ${guest.id} ${guest.name}: ${coarse(guest)}`)
    },
    say: (line) => stream.write(`${line}\n`),
    end: () => undefined,
  }
}

/** A copy's bytes move a guest on, those of a delivery the restore itself. */
function movesRun({ kind }: RunEvent, { delivery }: RunProgress): boolean {
  return kind === 'run-step' || kind === 'delivery-planned' || (kind === 'copied' && delivery !== undefined)
}

function coarseRun({ step, delivery }: RunProgress): string {
  if (delivery === undefined || delivery.sizeBytes === 0 || !isDelivering(step)) return step
  return `${step} ${tenth((delivery.deliveredBytes / delivery.sizeBytes) * 100)}`
}

function tenth(percent: number): string {
  return `${Math.floor(percent / 10) * 10} %`
}

function coarse(guest: {
  step: string
  dumpPercent?: number
  sizeBytes?: number
  presentBytes: number
  copiedBytes: number
}): string {
  if (/cop/i.test(guest.step) && guest.sizeBytes !== undefined && guest.sizeBytes > 0) {
    return `${guest.step} ${tenth(((guest.presentBytes + guest.copiedBytes) / guest.sizeBytes) * 100)}`
  }
  return guest.dumpPercent !== undefined && guest.step === 'Backing up'
    ? `${guest.step} ${tenth(guest.dumpPercent)}`
    : guest.step
}

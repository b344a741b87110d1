import { styleText } from 'node:util'
import { type GuestLine, type RunProgress, WAITING_TO_DUMP } from './progress.ts'
import { formatBytes } from '../../../functions/domain/words/byte-size.ts'
import { formatSeconds } from './units.ts'

/** Guests shown in full; of the rest only counts. */
const SHOWN = 12
const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']
const BAR_CELLS = 20
/** A display that nothing else changes is drawn anew as often: it shows that the program lives. */
const FRAME_MILLISECONDS = 1000

/** Lines beside those of guests: the step, the whole, a call that is repeated, how many more, and the cursor's own. */
const OTHER_LINES = 5

/**
 * The lines of the progress display at `now` (milliseconds), none wider than `columns`, and fewer than `rows`: what
 * scrolls out of a terminal can't be drawn again, and would stay as a copy.
 */
export function renderProgress(
  progress: RunProgress,
  now: number,
  columns: number,
  rows = Number.POSITIVE_INFINITY,
): string[] {
  const guests = [...progress.guests.values()]
  const running = guests.filter((guest) => guest.ended === undefined)
  const ended = guests.length - running.length
  const of = progress.guestCount === undefined ? '' : `  ${ended} of ${progress.guestCount} guests done`
  const shown = [...running, ...guests.filter((guest) => guest.ended !== undefined).reverse()].slice(
    0,
    Math.max(1, Math.min(SHOWN, rows - OTHER_LINES)),
  )
  const hidden = guests.length - shown.length
  return [
    `${progress.step}${of}${deliveryOf(progress, now)}${troubleOf(progress)}`,
    ...wholeLines(progress, now),
    ...repeatedLines(progress, now),
    ...shown.map((guest) => guestLine(guest, now)),
    ...(hidden > 0 ? [`  … and ${hidden} more`] : []),
  ].map((line) => clip(line, columns))
}

/** One line about one guest: mark, who, what, how far, how long. */
export function guestLine(guest: GuestLine, now: number): string {
  const who = `${guest.id} ${guest.name}`.padEnd(18)
  if (guest.ended !== undefined) {
    const took = formatSeconds((guest.ended.at - guest.startedAt) / 1000)
    if (guest.ended.outcome === 'succeeded') {
      const size = guest.sizeBytes === undefined ? '' : `${formatBytes(guest.sizeBytes)}  `
      return `${styleText('green', '✓')} ${who} archived, checksum matches  ${size}${took}`
    }
    const mark = guest.ended.outcome === 'skipped' ? styleText('yellow', '–') : styleText('red', '✗')
    return `${mark} ${who} ${guest.ended.outcome}  ${guest.ended.reason}`
  }
  const frame = frames[Math.floor(now / FRAME_MILLISECONDS) % frames.length]
  return `${styleText('cyan', frame ?? '·')} ${who} ${doing(guest, now)}${troubleOf(guest)}`
}

/** Of several guests: bytes, rate, and time left where nothing more is to come. */
function wholeLines({ guests, guestCount }: RunProgress, now: number): string[] {
  const sized = [...guests.values()].filter(({ sizeBytes }) => sizeBytes !== undefined)
  const [sizeBytes, done, copied] = sized.reduce(
    ([all, there, sent], { sizeBytes: size = 0, presentBytes, copiedBytes, ended }) => {
      const isThere = ended?.outcome === 'succeeded' ? size : Math.min(size, presentBytes + copiedBytes)
      return [all + size, there + isThere, sent + copiedBytes]
    },
    [0, 0, 0],
  )
  if (guestCount === undefined || guestCount < 2 || sizeBytes === 0) return []
  const ended = [...guests.values()].filter((guest) => guest.ended !== undefined).length
  const open = sized.filter((guest) => guest.ended === undefined)
  const part = open.reduce((sum, guest) => sum + copiedShare(guest), 0)
  const since = Math.min(now, ...sized.map(({ copyStartedAt = now }) => copyStartedAt))
  const rate = (copied * 1000) / Math.max(1, now - since)
  const isAll = ended + open.length === guestCount
  const left = isAll && rate > 0 && done < sizeBytes ? `  ${formatSeconds((sizeBytes - done) / rate)} left` : ''
  const of = `${formatBytes(done)} of ${formatBytes(sizeBytes)}${isAll ? '' : ' so far'}`
  return [`${bar((ended + part) / guestCount)}  ${of}${copied === 0 ? '' : `  ${formatBytes(rate)}/s`}${left}`]
}

function copiedShare({ sizeBytes = 0, presentBytes, copiedBytes }: GuestLine): number {
  return sizeBytes === 0 ? 0 : Math.min(1, (presentBytes + copiedBytes) / sizeBytes)
}

/** What a step stumbled over, and which try of it is under way. */
export function troubleOf({ trouble, attempt }: { trouble?: string; attempt?: number }): string {
  if (trouble === undefined) return ''
  return attempt === undefined ? `  (${trouble})` : `  (try ${attempt}; before: ${trouble})`
}

/** A call that went through since says nothing of itself, so the last trouble is shown for a while only. */
const REPEATED_SHOWN_MILLISECONDS = 60_000

function repeatedLines({ repeated }: RunProgress, now: number): string[] {
  if (repeated === undefined || now - repeated.at > REPEATED_SHOWN_MILLISECONDS) return []
  return [styleText('yellow', `  trying again: ${repeated.reason}`)]
}

/** How much of a restore's file is on the node, while it is brought there. */
function deliveryOf({ step, delivery }: RunProgress, now: number): string {
  if (delivery === undefined || !isDelivering(step)) return ''
  return `  ${moved(delivery.sizeBytes, delivery.deliveredBytes, delivery.deliveredBytes, now - delivery.startedAt)}`
}

/** The steps of a restore in which its file is brought. */
export function isDelivering(step: string): boolean {
  return /deliver/i.test(step)
}

/** Bar, bytes, rate and time left. `nowBytes`: those of `done` that were moved in the time since. */
function moved(sizeBytes: number, done: number, nowBytes: number, milliseconds: number): string {
  const rate = (nowBytes * 1000) / Math.max(1, milliseconds)
  const left = rate > 0 && done < sizeBytes ? `  ${formatSeconds((sizeBytes - done) / rate)} left` : ''
  return `${bar(sizeBytes === 0 ? 1 : done / sizeBytes)}  ${formatBytes(done)} of ${formatBytes(sizeBytes)}  ${formatBytes(rate)}/s${left}`
}

function doing(guest: GuestLine, now: number): string {
  const { sizeBytes, copyStartedAt } = guest
  if (sizeBytes !== undefined && copyStartedAt !== undefined && /cop/i.test(guest.step)) {
    const done = Math.min(sizeBytes, guest.presentBytes + guest.copiedBytes)
    return `copying   ${moved(sizeBytes, done, guest.copiedBytes, now - copyStartedAt)}`
  }
  if (guest.step === 'Backing up' && (guest.dumpPercent !== undefined || guest.dump?.doneBytes !== undefined)) {
    return `backing up ${dumpLine(guest)}`
  }
  if (guest.step === WAITING_TO_DUMP && guest.waitsFor !== undefined) return `waiting: ${guest.waitsFor}`
  return `${guest.step}  ${formatSeconds((now - guest.startedAt) / 1000)}`
}

/** Estimates are marked: the platform tells nothing of a container's dump. */
function dumpLine({ dumpPercent, dump }: GuestLine): string {
  const about = dump?.estimated === true ? '~' : ''
  const { bytesPerSecond, secondsLeft, doneBytes } = dump ?? {}
  return [
    ...(dumpPercent === undefined ? [] : [`${bar(dumpPercent / 100)}  ${about}${Math.floor(dumpPercent)} %`]),
    ...(dumpPercent === undefined && doneBytes !== undefined ? [`${about}${formatBytes(doneBytes)} written`] : []),
    ...(bytesPerSecond === undefined ? [] : [`${about}${formatBytes(bytesPerSecond)}/s`]),
    ...(secondsLeft === undefined || secondsLeft === 0 ? [] : [`${about}${formatSeconds(secondsLeft)} left`]),
  ].join('  ')
}

function bar(share: number): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * BAR_CELLS)
  return `${'━'.repeat(full)}${styleText('dim', '─'.repeat(BAR_CELLS - full))}`
}

/** Cut to the terminal's width, not counting colour codes: a wrapped line would break the redraw. */
function clip(line: string, columns: number): string {
  let width = 0
  let result = ''
  // oxlint-disable-next-line no-control-regex -- colour codes start with ESC
  for (const token of line.match(/\u001b\[[0-9;]*m|[\s\S]/gu) ?? []) {
    const isCode = token.length > 1 && token.startsWith('\u001b')
    if (!isCode && width >= columns - 1) continue
    if (!isCode) width += 1
    result += token
  }
  return result
}

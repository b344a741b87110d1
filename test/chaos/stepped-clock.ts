/**
 * Loaded before the command line and, since it hands its Node.js options on, before each of its functions: the machine's
 * clock as a file says it, in milliseconds more than it is.
 */
import { readFileSync } from 'node:fs'

const LOOK_MILLISECONDS = 100
const file = process.env['AWS_CHAOS_CLOCK'] ?? ''
const RealDate = Date
const now = RealDate.now.bind(RealDate)
let offset = 0

function look(): void {
  try {
    offset = Number(readFileSync(file, 'utf8')) || 0
  } catch {
    // Between two writes it may be empty; the clock stays as it was.
  }
}

look()
setInterval(look, LOOK_MILLISECONDS).unref()

class SteppedDate extends RealDate {
  constructor(...given: unknown[]) {
    if (given.length === 0) super(now() + offset)
    else super(...(given as [number]))
  }

  static override now(): number {
    return now() + offset
  }
}
globalThis.Date = SteppedDate as DateConstructor

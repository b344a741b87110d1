import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

export interface Measured {
  /** User and system, of the command and all its children. */
  cpuSeconds: number
  seconds: number
  /** Largest resident size of any process of the command. */
  peakMiB: number
  /** What it printed. */
  output: string
}

/** Process groups that run now. */
const running = new Set<number>()

let stopped = false

/** End whatever is being measured, with its children. Nothing that was asked for is answered from then on. */
export function stopMeasuring(): void {
  stopped = true
  for (const group of running) {
    try {
      process.kill(-group, 'SIGKILL')
    } catch {
      // It ended by itself.
    }
  }
}

function readProc(path: string): string {
  try {
    return readFileSync(`/proc/${path}`, 'utf8')
  } catch {
    return ''
  }
}

/** The kernel's own high-water mark, so that looking now and then is enough. */
function peakMiB(pid: string): number {
  const own = Number(/VmHWM:\s+(\d+) kB/.exec(readProc(`${pid}/status`))?.[1] ?? 0) / 1024
  const children = readProc(`${pid}/task/${pid}/children`).split(' ').filter(Boolean)
  return Math.max(own, ...children.map(peakMiB))
}

/**
 * CPU seconds of a process and of its children that have ended and were waited for, since it started. For servers:
 * the difference is what serving took.
 */
function cpuSecondsOf(pid: number): number {
  const stat = readProc(`${pid}/stat`)
  // After the name, which may hold anything: state, ppid, …; utime, stime, cutime and cstime are the 14th to 17th field.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
  return ticks / TICKS_PER_SECOND
}

/** A server's CPU once its processes for clients that left have ended: before, their share isn't counted. */
export async function settledCpuSecondsOf(pid: number): Promise<number> {
  for (let looks = 0; looks < 100 && readProc(`${pid}/task/${pid}/children`).trim() !== ''; looks++) {
    await delay(LOOK_MILLISECONDS)
  }
  return cpuSecondsOf(pid)
}

/** USER_HZ, which Linux fixes at 100 towards programs. */
const TICKS_PER_SECOND = 100
const LOOK_MILLISECONDS = 50

/**
 * Run a command and measure it with all its children: the shell's `time` adds up user and system seconds of the tree.
 * @throws Error with the command's own words when it fails
 */
export async function measure(command: readonly string[], env: Record<string, string> = {}): Promise<Measured> {
  const script = 'TIMEFORMAT="%3R %3U %3S"; time "$@"'
  // Whoever runs this may have settings of their own (profile, authorities, endpoint); here they only disturb.
  const neutral = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(AWS|RCLONE|NODE)_/.test(name)))
  const child = spawn('bash', ['-c', script, 'bash', ...command], {
    env: { ...neutral, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, to be ended as a whole.
    detached: true,
  })
  const pid = child.pid
  if (pid !== undefined) running.add(pid)
  const said = { out: '', err: '' }
  child.stdout.on('data', (text: Buffer) => {
    said.out += text.toString()
  })
  child.stderr.on('data', (text: Buffer) => {
    said.err += text.toString()
  })
  let peak = 0
  const look = setInterval(() => {
    peak = Math.max(peak, peakMiB(String(pid)))
  }, LOOK_MILLISECONDS)
  const code = await new Promise((resolve, reject) => child.on('close', resolve).on('error', reject))
  clearInterval(look)
  if (pid !== undefined) running.delete(pid)
  // The process is about to end. What waits for this must neither report a failure nor begin the next.
  if (stopped) return new Promise(() => undefined)
  if (code !== 0) throw new Error(`${command[0]} failed: ${said.err.trim() || `exit status ${String(code)}`}`)
  const [seconds = 0, user = 0, system = 0] = (said.err.trim().split('\n').at(-1) ?? '').split(' ').map(Number)
  return { cpuSeconds: user + system, seconds, peakMiB: Math.round(peak), output: said.out }
}

import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'

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

/** What one process runs, and its user and system seconds so far, its children left out. */
function ownCpu(pid: string): { program: string; cpuSeconds: number } {
  const stat = readProc(`${pid}/stat`)
  // After the name, which may hold anything: state, ppid, …; utime and stime are the 14th and 15th field.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const ticks = fields.slice(11, 13).reduce((sum, field) => sum + Number(field), 0)
  return { program: stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')')), cpuSeconds: ticks / TICKS_PER_SECOND }
}

function descendants(pid: string): string[] {
  const children = readProc(`${pid}/task/${pid}/children`).split(' ').filter(Boolean)
  return [pid, ...children.flatMap(descendants)]
}

/**
 * Watch a server and the processes that it starts for its clients. Looked at again and again, since nobody waits for some
 * of them: their last moments before an end between two looks are missed. Returns what ends it and gives the CPU seconds,
 * by the program that each process ran last.
 */
export function watchPrograms(pid: number): () => Map<string, number> {
  const seen = new Map<string, { program: string; first: number; last: number }>()
  const look = (start: boolean): void => {
    for (const each of descendants(String(pid))) {
      const { program, cpuSeconds } = ownCpu(each)
      const known = seen.get(each)
      // One that ended between listing and looking says nothing any more.
      if (program === '') continue
      seen.set(each, { program, first: known?.first ?? (start ? cpuSeconds : 0), last: cpuSeconds })
    }
  }
  look(true)
  // Whoever fails before it ends this must not be kept from ending by it.
  const timer = setInterval(() => look(false), LOOK_MILLISECONDS).unref()
  return () => {
    clearInterval(timer)
    look(false)
    const sums = new Map<string, number>()
    for (const { program, first, last } of seen.values()) sums.set(program, (sums.get(program) ?? 0) + last - first)
    return sums
  }
}

/** The same as one sum. */
export function watchCpu(pid: number): () => number {
  const end = watchPrograms(pid)
  return () => [...end().values()].reduce((sum, seconds) => sum + seconds, 0)
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

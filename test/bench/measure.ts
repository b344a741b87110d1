import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

export interface Measured {
  cpuSeconds: number
  seconds: number
  /** Largest resident size of any process of the command. */
  peakMiB: number
}

/** Children of a process, by Linux's process table. */
function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((candidate) => {
      try {
        const stat = readFileSync(`/proc/${candidate}/stat`, 'utf8')
        return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === pid
      } catch {
        return false
      }
    })
}

/** The kernel's own high-water mark, so that looking now and then is enough. */
function peakMiB(pid: number): number {
  try {
    return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024
  } catch {
    return 0
  }
}

/**
 * Run a command and measure it with all its children: the shell's `time` adds up user and system seconds of the tree.
 * @throws Error with the command's own words when it fails
 */
export async function measure(command: readonly string[], env: Record<string, string> = {}): Promise<Measured> {
  const script = 'TIMEFORMAT="%R %U %S"; time "$@"'
  // Whoever runs this may have AWS settings of their own (profile, authorities, endpoint); here they only disturb.
  const neutral = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('AWS_')))
  const child = spawn('bash', ['-c', script, 'bash', ...command], {
    env: { ...neutral, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr.on('data', (text: Buffer) => {
    said += text.toString()
  })
  let peak = 0
  const look = setInterval(() => {
    for (const pid of child.pid === undefined ? [] : childrenOf(child.pid)) peak = Math.max(peak, peakMiB(pid))
  }, 50)
  const code = await new Promise((resolve) => child.on('close', resolve))
  clearInterval(look)
  if (code !== 0) throw new Error(`${command[0]} failed: ${said}`)
  const [seconds = 0, user = 0, system = 0] = (said.trim().split('\n').at(-1) ?? '').split(' ').map(Number)
  return { cpuSeconds: user + system, seconds, peakMiB: Math.round(peak) }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  const upper = sorted[Math.floor(middle)] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2
}

/** Medians of several runs, per GiB moved. */
export function perGiB(runs: readonly Measured[], gibibytes: number) {
  const round = (value: number): number => Math.round(value * 1000) / 1000
  return {
    cpuSecondsPerGiB: round(median(runs.map((run) => run.cpuSeconds)) / gibibytes),
    secondsPerGiB: round(median(runs.map((run) => run.seconds)) / gibibytes),
    peakMiB: median(runs.map((run) => run.peakMiB)),
  }
}

/** The real command line as a process group of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Victim } from './act.ts'
import type { PrintedReport, RunEnd } from './record.ts'

const program = fileURLToPath(new URL('../../bin/guestlift.ts', import.meta.url))
const clock = new URL('stepped-clock.ts', import.meta.url).href
/** A run in trouble waits for minutes; one that is at work for so long won't end. */
const LONGEST_MILLISECONDS = 20 * 60_000

export interface CommandLine {
  /** Returns whether there was somebody to hit. */
  signal(victim: Victim, signal: NodeJS.Signals, chance: number): boolean
  running(): boolean
  end: Promise<RunEnd>
}

export function runCommandLine(
  parameters: readonly string[],
  environment: NodeJS.ProcessEnv,
  quiet: boolean,
): CommandLine {
  const child = spawn(process.execPath, ['--import', clock, program, 'run', '--local', '--json', ...parameters], {
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  const hit = { killed: false, stopped: false }
  const running = () => child.exitCode === null && child.signalCode === null
  return {
    running,
    signal: (victim, signal, chance) => {
      const { pid } = child
      if (pid === undefined || !running()) return false
      const target = victim === 'runner' ? pid : victim === 'group' ? -pid : oneOf(childrenOf(pid), chance)
      if (target === undefined) return false
      try {
        process.kill(target, signal)
      } catch {
        // It ended between the look and the blow.
        return false
      }
      if (victim !== 'function') hit[signal === 'SIGKILL' ? 'killed' : 'stopped'] = true
      return true
    },
    end: ended(child, hit, quiet),
  }
}

async function ended(child: ChildProcess, hit: Pick<RunEnd, 'killed' | 'stopped'>, quiet: boolean): Promise<RunEnd> {
  const text = { stdout: '', stderr: '' }
  child.stdout?.on('data', (piece: Buffer) => (text.stdout += piece.toString()))
  child.stderr?.on('data', (piece: Buffer) => (text.stderr += piece.toString()))
  const timer = setTimeout(() => {
    text.stderr += '\nthe harness ended it: it took too long'
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
  }, LONGEST_MILLISECONDS)
  const exitCode = await new Promise<number | undefined>((resolve) => {
    child.once('close', (code) => resolve(code ?? undefined))
  })
  clearTimeout(timer)
  const stderr = text.stderr.trim().split('\n').slice(-12).join('\n')
  return { exitCode, report: readReport(text.stdout), ...hit, quiet, stderr }
}

function readReport(stdout: string): PrintedReport | undefined {
  try {
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as PrintedReport
  } catch {
    return undefined
  }
}

/** proc(5): `/proc/<pid>/task/<tid>/children`. */
function childrenOf(pid: number): number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    return text.trim().split(' ').filter(Boolean).map(Number)
  } catch {
    return []
  }
}

function oneOf(pids: readonly number[], chance: number): number | undefined {
  return pids[Math.floor(chance * pids.length)]
}

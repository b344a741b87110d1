import { type ChildProcess, fork } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { functionProcess } from '#place'

/** A function of the synthesised app, ready to run: its bundle and its limits. */
export interface HostedFunction {
  /** The asset folder; holds `index.js`. */
  directory: string
  /** As in the template: `index.handler`. */
  handler: string
  timeoutSeconds: number
  /** What its process may hold, where this machine tells what it holds. */
  memoryMiB?: number
}

/** A failed call: `name` is Lambda's errorType, `stack` the function's own. */
export class FunctionError extends Error {
  constructor(errorType: string, errorMessage: string, trace: readonly string[] = []) {
    super(errorMessage)
    this.name = errorType
    this.stack = trace.join('\n')
  }
}

export interface FunctionHost {
  /**
   * Call a function as Lambda would: an environment of its own per concurrent call, reused when idle, killed at its
   * limits of time and memory or when `signal` fires. @throws FunctionError
   */
  invoke(stem: string, event: unknown, signal: AbortSignal): Promise<unknown>
  close(): Promise<void>
}

interface Environment {
  stem: string
  child: ChildProcess
  short: boolean
  /** Set while a call is under way. */
  settle: ((answer: Answer) => void) | undefined
  /** Set while it is idle. */
  ending: NodeJS.Timeout | undefined
  /** Its resident memory when its share was read last. */
  weighedAtMiB: number
}

type Answer = { result?: unknown; error?: { errorType: string; errorMessage: string; trace?: string[] } }

const WEIGH_MILLISECONDS = 250

/** An environment that nobody calls ends after this: a run of many guests would else leave one for each call at its widest. */
const IDLE_MILLISECONDS = 15_000
/**
 * Environments of short functions that are there at once: a hundred guests in step would else start hundreds of processes.
 * A guest's functions take turns; with fewer environments than it has functions, each call would end one and start another.
 */
const MOST_SHORT_ENVIRONMENTS = 16
/** Of short functions so many may be there whatever the memory, so that calls that wait for one another go on. */
const LEAST_SHORT_ENVIRONMENTS = 2
/**
 * What this process and all of its environments hold together before a call waits for the end of others: a run of a hundred
 * small guests stays within 1 GiB. Long functions (copying, reading) wait for short ones alone: the streams of a site limit
 * them, and how much they hold goes by the parts that they move.
 */
const MEMORY_MIB = 896
const LONG_SECONDS = 900

/** Many environments share this machine's memory. Measured: a bundle that was just loaded takes 36 MiB in place of 43. */
const FRUGAL = '--max-semi-space-size=1'
/** One that is only starting holds next to nothing yet: it counts for what its function held last, or what most hold. */
const USUAL_MIB = 76
const WORTH_WEIGHING_MIB = 4

/** What Linux tells of a process's memory, in MiB; 0 where the system has no /proc. */
function memoryMiB(pid: number | undefined, file: string, field: string): number {
  try {
    const [, kib = '0'] =
      new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/${file}`, 'utf8')) ?? []
    return Math.round(Number(kib) / 1024)
  } catch {
    return 0
  }
}

/** Shared pages included, as Lambda counts it too. */
const residentMiB = (pid: number | undefined): number => memoryMiB(pid, 'status', 'VmRSS')
/** With its share of the pages that others have too: what several hold together. */
const shareOfMemoryMiB = (pid: number | undefined): number => memoryMiB(pid, 'smaps_rollup', 'Pss')

/** Lambda's own words for the common case; Plan copies reads them. */
function exitWords(signalName: NodeJS.Signals): string {
  return signalName === 'SIGKILL' ? 'signal: killed' : signalName
}

export interface HostLimits {
  idleMilliseconds: number
  mostShortEnvironments: number
  /** What this process and all environments together may hold before calls wait. */
  memoryMiB: number
}

const standardLimits: HostLimits = {
  idleMilliseconds: IDLE_MILLISECONDS,
  mostShortEnvironments: MOST_SHORT_ENVIRONMENTS,
  memoryMiB: MEMORY_MIB,
}

/**
 * Runs the bundles that `cdk synth` made in child processes, since each function has its own environment variables and
 * must be killable. `onLog` gets every line that a function prints.
 */
export function startFunctionHost(
  functions: Readonly<Record<string, HostedFunction>>,
  environmentOf: (stem: string) => NodeJS.ProcessEnv,
  onLog: (stem: string, line: string) => void,
  changedLimits: Partial<HostLimits> = {},
): FunctionHost {
  const limits: HostLimits = { ...standardLimits, ...changedLimits }
  const all = new Set<Environment>()
  /** Told to end, and not counted any more. */
  const dying = new Set<ChildProcess>()
  /** Calls that wait for an environment, first come first served. */
  const waiting: (() => void)[] = []
  /** The most that an environment of each function held when it answered. */
  const heldByStem = new Map<string, number>()
  let calls = 0

  function start(stem: string, hosted: HostedFunction): Environment {
    const [file = 'index', exported = 'handler'] = hosted.handler.split('.')
    const child = fork(functionProcess, [join(hosted.directory, `${file}.js`), exported], {
      env: {
        ...environmentOf(stem),
        // Lambda sets it, and what functions decide by their memory they decide here too.
        ...(hosted.memoryMiB === undefined ? {} : { AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(hosted.memoryMiB) }),
      },
      execArgv: [...process.execArgv, FRUGAL],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      // A group of its own: a signal to this process's group would kill one that is only starting and heeds nothing yet.
      detached: true,
    })
    const short = hosted.timeoutSeconds < LONG_SECONDS
    const environment: Environment = { stem, child, short, settle: undefined, ending: undefined, weighedAtMiB: 0 }
    all.add(environment)
    for (const stream of [child.stdout, child.stderr]) {
      if (stream !== null) createInterface({ input: stream }).on('line', (line) => onLog(stem, line))
    }
    child.on('message', (answer: Answer) => {
      const settle = environment.settle
      environment.settle = undefined
      weigh(environment)
      environment.ending = setTimeout(() => drop(environment), limits.idleMilliseconds).unref()
      settle?.(answer)
      // Idle now: anyone who waits may use it, or have its place.
      waiting.shift()?.()
    })
    child.on('exit', (code, signalName) => {
      clearTimeout(environment.ending)
      if (all.delete(environment)) waiting.shift()?.()
      environment.settle?.({
        error: {
          errorType: 'Runtime.ExitError',
          errorMessage: `The function ended with ${signalName === null ? `exit code ${code}` : exitWords(signalName)}`,
        },
      })
    })
    child.on('error', () => child.kill('SIGKILL'))
    return environment
  }

  function drop(unused: Environment): void {
    clearTimeout(unused.ending)
    all.delete(unused)
    dying.add(unused.child)
    unused.child.once('exit', () => dying.delete(unused.child)).kill('SIGKILL')
  }

  /** One that is idle, or a new one where there is room; else the next that becomes free. */
  async function environmentFor(stem: string, hosted: HostedFunction, signal: AbortSignal): Promise<Environment> {
    const short = hosted.timeoutSeconds < LONG_SECONDS
    for (let waited = false; ; waited = true) {
      // Cancelled just after its turn came, it hands the turn on: no other call would be woken for what is free now.
      if (waited && signal.aborted) waiting.shift()?.()
      signal.throwIfAborted()
      for (;;) {
        const idle = [...all].filter(({ ending }) => ending !== undefined)
        const found = idle.find((environment) => environment.stem === stem)
        if (found !== undefined) {
          clearTimeout(found.ending)
          found.ending = undefined
          return found
        }
        if (hasRoom(stem, short)) {
          const started = start(stem, hosted)
          // There may be room for more than one: what long calls held has come free at once.
          waiting.shift()?.()
          return started
        }
        // The last of its function is started again soonest.
        const twin = idle.find((one) => [...all].some((other) => other !== one && other.stem === one.stem))
        const unused = twin ?? idle[0]
        if (unused === undefined) break
        drop(unused)
      }
      await turn(signal, waited)
    }
  }

  function hasRoom(stem: string, short: boolean): boolean {
    const shorts = [...all].filter((one) => one.short).length
    if (short ? shorts < LEAST_SHORT_ENVIRONMENTS : shorts <= LEAST_SHORT_ENVIRONMENTS) return true
    if (short && shorts >= limits.mostShortEnvironments) return false
    const leftMiB = limits.memoryMiB - expectedMiB(stem)
    // Resident memory counts shared pages in each process: where even that fits, there is room.
    return heldMiB(residentMiB) <= leftMiB || heldMiB(shareOfMemoryMiB) <= leftMiB
  }

  function expectedMiB(stem: string): number {
    return heldByStem.get(stem) ?? USUAL_MIB
  }

  /** @param held of a process; the share of memory takes Linux milliseconds to tell, so it is asked for where it matters */
  function heldMiB(held: (pid: number | undefined) => number): number {
    return [...all].reduce(
      (sum, { stem, child }) => sum + Math.max(expectedMiB(stem), held(child.pid)),
      held(process.pid),
    )
  }

  /** What a function holds is known better once it holds more. */
  function weigh(environment: Environment): void {
    const { stem, child } = environment
    const nowMiB = residentMiB(child.pid)
    if (nowMiB < environment.weighedAtMiB + WORTH_WEIGHING_MIB) return
    environment.weighedAtMiB = nowMiB
    heldByStem.set(stem, Math.max(heldByStem.get(stem) ?? 0, shareOfMemoryMiB(child.pid)))
  }

  /** @param again it has been woken in vain, and keeps its place */
  function turn(signal: AbortSignal, again: boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = () => {
        waiting.splice(waiting.indexOf(wake), 1)
        reject(signal.reason)
      }
      const wake = () => {
        signal.removeEventListener('abort', abort)
        resolve()
      }
      if (again) waiting.unshift(wake)
      else waiting.push(wake)
      signal.addEventListener('abort', abort, { once: true })
    })
  }

  async function invoke(stem: string, event: unknown, signal: AbortSignal): Promise<unknown> {
    const hosted = functions[stem]
    if (hosted === undefined) throw new FunctionError('ResourceNotFoundException', `There is no function ${stem}.`)
    signal.throwIfAborted()
    const environment = await environmentFor(stem, hosted, signal)
    const { child } = environment
    const timeoutMilliseconds = hosted.timeoutSeconds * 1000
    const answer = await new Promise<Answer>((resolve) => {
      const end = (errorType: string, errorMessage: string) => {
        resolve({ error: { errorType, errorMessage } })
        child.kill('SIGKILL')
      }
      const timer = setTimeout(
        () => end('Sandbox.Timedout', `Task timed out after ${hosted.timeoutSeconds}.00 seconds`),
        timeoutMilliseconds,
      )
      const { memoryMiB = Number.POSITIVE_INFINITY } = hosted
      const scales = setInterval(() => {
        const heldMiB = residentMiB(child.pid)
        if (heldMiB > memoryMiB) end('Runtime.OutOfMemory', `The function held ${heldMiB} of ${memoryMiB} MiB`)
      }, WEIGH_MILLISECONDS)
      const abort = () => end('States.Aborted', 'The call was cancelled')
      signal.addEventListener('abort', abort, { once: true })
      environment.settle = (settled) => {
        clearTimeout(timer)
        clearInterval(scales)
        signal.removeEventListener('abort', abort)
        resolve(settled)
      }
      calls += 1
      child.send({ id: calls, event, timeoutMilliseconds }, (error) => {
        if (error !== null) child.kill('SIGKILL')
      })
    })
    if (answer.error !== undefined) {
      throw new FunctionError(answer.error.errorType, answer.error.errorMessage, answer.error.trace)
    }
    // Lambda answers in JSON: what JSON drops, a caller must not see here either.
    return answer.result === undefined ? null : JSON.parse(JSON.stringify(answer.result))
  }

  async function close(): Promise<void> {
    await Promise.all(
      [...[...all].map(({ child }) => child), ...dying].map(
        (child) =>
          new Promise<void>((resolve) => {
            child.once('exit', () => resolve())
            child.kill('SIGKILL')
          }),
      ),
    )
  }

  return { invoke, close }
}

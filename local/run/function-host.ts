import { type ChildProcess, fork } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

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
  child: ChildProcess
  /** Set while a call is under way. */
  settle: ((answer: Answer) => void) | undefined
}

type Answer = { result?: unknown; error?: { errorType: string; errorMessage: string; trace?: string[] } }

const processFile = fileURLToPath(new URL('function-process.ts', import.meta.url))

const WEIGH_MILLISECONDS = 250

/** Memory of a process, shared pages included, as Lambda counts it too; 0 where the system has no /proc. */
function residentMiB(pid: number | undefined): number {
  try {
    const [, kib = '0'] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return Math.round(Number(kib) / 1024)
  } catch {
    return 0
  }
}

/** Lambda's own words for the common case; Plan copies reads them. */
function exitWords(signalName: NodeJS.Signals): string {
  return signalName === 'SIGKILL' ? 'signal: killed' : signalName
}

/**
 * Runs the bundles that `cdk synth` made in child processes, since each function has its own environment variables and
 * must be killable. `onLog` gets every line that a function prints.
 */
export function startFunctionHost(
  functions: Readonly<Record<string, HostedFunction>>,
  environmentOf: (stem: string) => NodeJS.ProcessEnv,
  onLog: (stem: string, line: string) => void,
): FunctionHost {
  const idle = new Map<string, Environment[]>()
  const all = new Set<Environment>()
  let calls = 0

  function start(stem: string, hosted: HostedFunction): Environment {
    const [file = 'index', exported = 'handler'] = hosted.handler.split('.')
    const child = fork(processFile, [join(hosted.directory, `${file}.js`), exported], {
      env: environmentOf(stem),
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    const environment: Environment = { child, settle: undefined }
    all.add(environment)
    for (const stream of [child.stdout, child.stderr]) {
      if (stream !== null) createInterface({ input: stream }).on('line', (line) => onLog(stem, line))
    }
    child.on('message', (answer: Answer) => {
      const settle = environment.settle
      environment.settle = undefined
      idle.set(stem, [...(idle.get(stem) ?? []), environment])
      settle?.(answer)
    })
    child.on('exit', (code, signalName) => {
      all.delete(environment)
      idle.set(
        stem,
        (idle.get(stem) ?? []).filter((other) => other !== environment),
      )
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

  async function invoke(stem: string, event: unknown, signal: AbortSignal): Promise<unknown> {
    const hosted = functions[stem]
    if (hosted === undefined) throw new FunctionError('ResourceNotFoundException', `There is no function ${stem}.`)
    signal.throwIfAborted()
    const environment = idle.get(stem)?.pop() ?? start(stem, hosted)
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
      [...all].map(
        ({ child }) =>
          new Promise<void>((resolve) => {
            child.once('exit', () => resolve())
            child.kill('SIGKILL')
          }),
      ),
    )
  }

  return { invoke, close }
}

import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Answer, Look, Looked, Order, Tried, Try } from './messages.ts'

/** Modules that were loaded anew stay in memory: after this many orders a new process begins. */
const ORDERS_PER_PROCESS = 200
const HEAP_MIB = 1500

/** One process at a time that runs tests, replaced when a change ends it. */
export class TestRunner {
  #process: ChildProcess | undefined
  #orders = 0
  /** CPU time of the process that runs, and of those that ended. */
  #running = 0
  #ended = 0

  /** CPU time of all orders so far. */
  get cpuSeconds(): number {
    return this.#running + this.#ended
  }

  async look(order: Look): Promise<Looked> {
    const answer = await this.#ask(order)
    if (answer?.kind === 'looked') return answer
    return { kind: 'looked', tests: [], atLoad: {}, trouble: 'the process that ran it ended' }
  }

  async try(order: Try): Promise<Tried> {
    const answer = await this.#ask(order)
    if (answer?.kind === 'tried') return answer
    return {
      kind: 'tried',
      noticedBy: 'the watch over the process',
      error: 'it never came to an end, or the process died',
    }
  }

  async #ask(order: Order): Promise<Answer | undefined> {
    if (this.#orders >= ORDERS_PER_PROCESS) this.close()
    this.#orders += 1
    const running = (this.#process ??= start())
    const answer = await new Promise<Answer | undefined>((resolve) => {
      running.once('message', (message) => resolve(message as Answer))
      running.once('exit', () => resolve(undefined))
      running.send(order)
    })
    running.removeAllListeners()
    if (answer === undefined) {
      this.#running += order.kind === 'try' ? order.cpuSeconds : 0
      this.close()
    } else this.#running = answer.processSeconds
    return answer
  }

  close(): void {
    this.#process?.kill('SIGKILL')
    this.#process = undefined
    this.#orders = 0
    this.#ended += this.#running
    this.#running = 0
  }
}

function start(): ChildProcess {
  return fork(fileURLToPath(new URL('test-process.ts', import.meta.url)), {
    execArgv: ['--disable-warning=ExperimentalWarning', `--max-old-space-size=${HEAP_MIB}`],
    stdio: ['ignore', 'ignore', process.env['MUTATE_DEBUG'] === undefined ? 'ignore' : 'inherit', 'ipc'],
    env: { ...process.env, TZ: process.env['TZ'] ?? 'UTC' },
  })
}

/** Worker tasks: UPIDs, logs that grow, an exit status read from the log's last line (pve-common UPID.pm, RESTEnvironment.pm). */
import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { taskText } from './api-error.ts'

export interface Upid {
  upid: string
  node: string
  pid: number
  pstart: number
  starttime: number
  type: string
  id: string
  /** `user@realm` or `user@realm!token`. */
  user: string
}

export interface Task extends Upid {
  lines: string[]
  running: boolean
  endtime?: number
  /** How it ended; only when it has. */
  status?: string
}

/** What a worker's code holds. After `kill` nothing it does is seen any more. */
export interface Worker {
  readonly task: Task
  /** Aborted when someone stops the task: the worker then ends by itself, cleaning up. */
  readonly signal: AbortSignal
  readonly killed: boolean
  log(line: string): void
  /** Counts towards `WARNINGS: n`. */
  warn(line: string): void
}

/** The worker ends without a closing line, as one does that exits early: its status reads `unexpected status`. */
export class SilentExit extends Error {}

const UPID =
  /^UPID:([a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?):([0-9A-Fa-f]{8}):([0-9A-Fa-f]{8,9}):([0-9A-Fa-f]{8}):([^:\s/]+):([^:\s/]*):([^:\s/]+):$/

export function parseUpid(text: string): Upid | undefined {
  const match = UPID.exec(text)
  if (match === null) return undefined
  const [, node = '', pid = '', pstart = '', starttime = '', type = '', id = '', user = ''] = match
  const hex = (digits: string): number => Number.parseInt(digits, 16)
  return { upid: text, node, pid: hex(pid), pstart: hex(pstart), starttime: hex(starttime), type, id, user }
}

/** The exit status that a log's last line stands for. */
export function statusFromLine(line: string | undefined): string {
  if (line === 'TASK OK') return 'OK'
  const [, warnings, error] = /^TASK (?:(WARNINGS: \d+)|ERROR: (.+))$/.exec(line ?? '') ?? []
  return warnings ?? error ?? 'unexpected status'
}

interface Running {
  worker: { killed: boolean }
  abort: AbortController
  done: Promise<void>
}

export class Tasks {
  readonly #directory: string
  readonly #now: () => number
  readonly #nextPid: () => { pid: number; pstart: number }
  readonly #tasks = new Map<string, Task>()
  readonly #running = new Map<string, Running>()

  constructor(directory: string, now: () => number, nextPid: () => { pid: number; pstart: number }) {
    this.#directory = directory
    this.#now = now
    this.#nextPid = nextPid
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    this.#load()
  }

  /** Logs of an earlier life. A task that was running then has no closing line: the node "crashed". */
  #load(): void {
    const known = readdirSync(this.#directory).flatMap((name) => {
      const parsed = parseUpid(name)
      return parsed === undefined ? [] : [{ name, parsed }]
    })
    for (const { name, parsed } of known.toSorted((a, b) => a.parsed.starttime - b.parsed.starttime)) {
      const path = join(this.#directory, name)
      const text = readFileSync(path, 'utf8')
      const lines = text === '' ? [] : text.replace(/\n$/, '').split('\n')
      const endtime = Math.floor(statSync(path).mtimeMs / 1000)
      this.#tasks.set(name, { ...parsed, lines, running: false, endtime, status: statusFromLine(lines.at(-1)) })
    }
  }

  start(
    what: { node: string; type: string; id: string; user: string },
    work: (worker: Worker) => Promise<void>,
  ): string {
    const { pid, pstart } = this.#nextPid()
    const starttime = Math.floor(this.#now() / 1000)
    const hex = (value: number): string => value.toString(16).toUpperCase().padStart(8, '0')
    const upid = `UPID:${what.node}:${hex(pid)}:${hex(pstart)}:${hex(starttime)}:${what.type}:${what.id}:${what.user}:`
    const task: Task = { ...what, upid, pid, pstart, starttime, lines: [], running: true }
    this.#tasks.set(upid, task)
    writeFileSync(join(this.#directory, upid), '')
    const abort = new AbortController()
    let warnings = 0
    const worker = {
      task,
      signal: abort.signal,
      killed: false,
      log: (line: string): void => {
        if (!worker.killed) this.#append(task, line)
      },
      warn: (line: string): void => {
        warnings += 1
        worker.log(line)
      },
    }
    const done = this.#run(worker, work, () => warnings)
    this.#running.set(upid, { worker, abort, done })
    return upid
  }

  async #run(worker: Worker, work: (worker: Worker) => Promise<void>, warnings: () => number): Promise<void> {
    let last: string | undefined
    try {
      // The answer with the UPID goes out before the worker has written its first line.
      await new Promise((resolve) => setImmediate(resolve))
      await work(worker)
      last = warnings() > 0 ? `TASK WARNINGS: ${warnings()}` : 'TASK OK'
    } catch (error) {
      if (!(error instanceof SilentExit)) last = `TASK ERROR: ${taskText(error).replaceAll('\n', ' ')}`
    }
    if (worker.killed) return
    if (last !== undefined) worker.log(last)
    this.#end(worker.task)
  }

  #append(task: Task, text: string): void {
    for (const line of text.split('\n')) task.lines.push(line)
    try {
      appendFileSync(join(this.#directory, task.upid), `${text}\n`)
    } catch {
      // The state directory may be gone when a lab is torn down in the middle of a task.
    }
  }

  #end(task: Task): void {
    task.running = false
    task.endtime = Math.floor(this.#now() / 1000)
    task.status = statusFromLine(task.lines.at(-1))
    this.#running.delete(task.upid)
    try {
      // A lab that takes the directory up again reads the end of a task here, so it must be the site's time.
      utimesSync(join(this.#directory, task.upid), task.endtime, task.endtime)
    } catch {
      // Gone with the state directory, or forgotten.
    }
  }

  find(upid: string): Task | undefined {
    return this.#tasks.get(upid)
  }

  /** The last that was begun first, as the index lists them, whatever the clock said then. */
  all(): Task[] {
    return [...this.#tasks.values()].toReversed()
  }

  /** SIGTERM: the worker may clean up. Returns when it has ended. */
  async stop(upid: string): Promise<void> {
    const running = this.#running.get(upid)
    running?.abort.abort()
    await running?.done
  }

  /** SIGKILL, or the node losing power: no closing line, no cleaning up. */
  kill(upid: string): void {
    const running = this.#running.get(upid)
    const task = this.#tasks.get(upid)
    if (running === undefined || task === undefined) return
    running.worker.killed = true
    running.abort.abort()
    this.#end(task)
  }

  async ended(upid: string): Promise<void> {
    await this.#running.get(upid)?.done
  }

  async stopAll(): Promise<void> {
    await Promise.all([...this.#running.keys()].map((upid) => this.stop(upid)))
  }

  /** The log rotated away. */
  forget(upid: string): void {
    this.#tasks.delete(upid)
    rmSync(join(this.#directory, upid), { force: true })
  }
}

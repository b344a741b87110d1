/**
 * The command line inside the test's own process: a process of its own takes a second of CPU time to start. What only
 * one can show (signals, a closed pipe, no terminal) is tested with one.
 */
import { Console } from 'node:console'
import { Writable } from 'node:stream'
import { runCommandLine } from '../../../local/cli/main.ts'

export interface Ended {
  code: number
  out: string
  error: string
}

export interface Surroundings {
  /** All variables that the command sees; the test's own unless given. */
  env?: Readonly<Record<string, string | undefined>>
  cwd?: string
  /** Width of the terminal that shows standard output; none unless given. */
  columns?: number
}

let last: Promise<unknown> = Promise.resolve()

/** Run `guestlift` with these words; one at a time, since output, environment and exit code are the process's. */
export function guestlift(words: readonly string[], surroundings: Surroundings = {}): Promise<Ended> {
  const ended = last.then(() => runHere(words, surroundings))
  last = ended.catch(() => undefined)
  return ended
}

async function runHere(
  words: readonly string[],
  { env = process.env, cwd = process.cwd(), columns }: Surroundings,
): Promise<Ended> {
  const before = { env: process.env, cwd: process.cwd(), exitCode: process.exitCode, console: globalThis.console }
  const stdout = recorded(process.stdout)
  const stderr = recorded(process.stderr)
  const terminal = columns === undefined ? undefined : asTerminal(process.stdout, columns)
  process.env = { ...env }
  process.chdir(cwd)
  process.exitCode = undefined
  globalThis.console = new Console(stdout.stream, stderr.stream)
  try {
    await runCommandLine(words)
    return { code: exitCode(), out: stdout.text(), error: stderr.text() }
  } finally {
    terminal?.release()
    stdout.release()
    stderr.release()
    process.env = before.env
    process.chdir(before.cwd)
    process.exitCode = before.exitCode
    globalThis.console = before.console
  }
}

/** Shown by a terminal of so many columns. */
function asTerminal(stream: NodeJS.WriteStream, columns: number): { release: () => void } {
  const before = (['isTTY', 'columns'] as const).map(
    (name) => [name, Object.getOwnPropertyDescriptor(stream, name)] as const,
  )
  Object.defineProperty(stream, 'isTTY', { value: true, configurable: true })
  Object.defineProperty(stream, 'columns', { value: columns, configurable: true })
  return {
    release: () => {
      for (const [name, own] of before) {
        Reflect.deleteProperty(stream, name)
        if (own !== undefined) Object.defineProperty(stream, name, own)
      }
    },
  }
}

/** As the process would end now. */
function exitCode(): number {
  return Number(process.exitCode ?? 0)
}

/** Take what is written to a stream of the process. */
function recorded(target: NodeJS.WriteStream): { stream: Writable; text: () => string; release: () => void } {
  const chunks: Buffer[] = []
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk)
      done()
    },
  })
  const own = Object.getOwnPropertyDescriptor(target, 'write')
  const write: (...given: Parameters<Writable['write']>) => boolean = (...given) => {
    stream.write(...given)
    return true
  }
  target.write = write as typeof target.write
  return {
    stream,
    text: () => Buffer.concat(chunks).toString(),
    release: () => {
      if (own === undefined) Reflect.deleteProperty(target, 'write')
      else Object.defineProperty(target, 'write', own)
    },
  }
}

/** The embedded S3 in a process of its own, from outside. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { S3Mood, S3Start } from './s3-process.ts'

const file = fileURLToPath(new URL('s3-process.ts', import.meta.url))

export class S3Child {
  /** Requests that it has seen, over all its lives. */
  requests = 0
  port = 0
  readonly #start: Omit<S3Start, 'port'>
  readonly #onRequest: (requests: number) => void
  #child: ChildProcess | undefined
  #before = 0

  constructor(start: Omit<S3Start, 'port'>, onRequest: (requests: number) => void) {
    this.#start = start
    this.#onRequest = onRequest
  }

  /** On its disk, at the port that it had. */
  async start(): Promise<void> {
    const child = fork(file, [], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    this.#child = child
    this.#before = this.requests
    const ready = new Promise<number>((resolve, reject) => {
      child.on('message', (message: { port?: number; requests?: number }) => {
        if (message.port !== undefined) resolve(message.port)
        if (message.requests === undefined) return
        this.requests = this.#before + message.requests
        this.#onRequest(this.requests)
      })
      child.once('exit', () => reject(new Error('the S3 process ended before it was ready')))
    })
    child.send({ start: { ...this.#start, port: this.port } })
    this.port = await ready
  }

  setMood(mood: S3Mood): void {
    // One that is dead has no mood; the next one begins without.
    if (this.#child?.connected === true) this.#child.send({ mood })
  }

  async kill(): Promise<void> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
}

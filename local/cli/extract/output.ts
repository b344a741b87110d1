/** What is made appears under its name when it is whole, and at once; until then it lies beside it under another. */
import { existsSync } from 'node:fs'
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises'
import { CliError } from '../../run/cli-error.ts'

export class Output {
  readonly path: string
  readonly #force: boolean
  readonly #unfinished: string

  /** @throws CliError when something is there that may not be replaced */
  constructor(path: string, { force = false, folder = false } = {}) {
    this.path = path
    // A folder may hold anything: nobody's is replaced.
    this.#force = force && !folder
    this.#unfinished = `${path.replace(/\/+$/, '')}.${process.pid}.part`
    this.#requireFree()
  }

  async openFile(): Promise<FileHandle> {
    return open(this.#unfinished, 'wx+').catch((cause: unknown) => this.#refuse(cause))
  }

  async openFolder(): Promise<string> {
    await mkdir(this.#unfinished).catch((cause: unknown) => this.#refuse(cause))
    return this.#unfinished
  }

  async commit(): Promise<void> {
    this.#requireFree()
    await rename(this.#unfinished, this.path)
  }

  async discard(): Promise<void> {
    await rm(this.#unfinished, { recursive: true, force: true })
  }

  #requireFree(): void {
    if (this.#force || !existsSync(this.path)) return
    throw new CliError(`${this.path} is there already, and was left as it is. Name another with --output.`)
  }

  #refuse(cause: unknown): never {
    throw new CliError(`${this.path} can't be written: ${String(cause)}`, { cause })
  }
}

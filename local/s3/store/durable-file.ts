/* oxlint-disable typescript/no-unsafe-type-assertion -- reads back what this program wrote */
/** Files that are either whole or not there, also after a power cut. */
import { read, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'

/** Replaces the file in one step; `settle` makes that last. Synchronous so that a commit has no gaps in it. */
export function replaceJson(path: string, value: unknown): void {
  const temporary = `${path}.tmp`
  try {
    writeFileSync(temporary, JSON.stringify(value))
    renameSync(temporary, path)
  } catch (cause) {
    rmSync(temporary, { force: true })
    throw cause
  }
}

/** `undefined` for a file that is missing or was cut short by a power failure before anyone was told of it. */
export function readJson<Value>(path: string): Value | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Value
  } catch {
    return undefined
  }
}

/** Wait until files and folders are on the disk. Ones that are gone by now have been replaced by newer ones. */
export async function settle(...paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    let handle: FileHandle | undefined
    try {
      handle = await open(path, 'r')
      await handle.sync()
    } catch (cause) {
      if (!isCode(cause, 'ENOENT')) throw cause
    } finally {
      await handle?.close()
    }
  }
}

export function isCode(cause: unknown, ...codes: readonly string[]): boolean {
  return cause instanceof Error && 'code' in cause && codes.includes(String(cause.code))
}

const WRITE_BYTES = 1024 * 1024

/** Writes pieces from an offset on, a mebibyte at a time, one write in flight while the next bytes arrive. */
export class PieceWriter {
  readonly #handle: FileHandle
  #pieces: Buffer[] = []
  #pending = 0
  #offset: number
  #inFlight: Promise<unknown> = Promise.resolve()

  constructor(handle: FileHandle, offset = 0) {
    this.#handle = handle
    this.#offset = offset
  }

  write(piece: Buffer): Promise<void> | undefined {
    this.#pieces.push(piece)
    this.#pending += piece.length
    return this.#pending >= WRITE_BYTES ? this.#flush() : undefined
  }

  /** All bytes written and on the disk. */
  async finish(): Promise<void> {
    await this.#flush()
    await this.#inFlight
    await this.#handle.datasync()
  }

  /** Wait for the write in flight, whatever becomes of it: the file may be closed then. */
  async abandon(): Promise<void> {
    await this.#inFlight.catch(() => undefined)
  }

  async #flush(): Promise<void> {
    await this.#inFlight
    const pieces = this.#pieces
    if (pieces.length === 0) return
    const offset = this.#offset
    this.#offset += this.#pending
    this.#pieces = []
    this.#pending = 0
    this.#inFlight = writeAll(this.#handle, pieces, offset)
    // Awaited by the next flush; without a handler here a failure in between would end the process.
    this.#inFlight.catch(() => undefined)
  }
}

/** writev may stop short, for example on a full disk just before it says so. */
async function writeAll(handle: FileHandle, pieces: Buffer[], offset: number): Promise<void> {
  const total = pieces.reduce((sum, piece) => sum + piece.length, 0)
  const { bytesWritten } = await handle.writev(pieces, offset)
  if (bytesWritten === total) return
  const rest = Buffer.concat(pieces).subarray(bytesWritten)
  let at = 0
  while (at < rest.length)
    at += (await handle.write(rest, at, rest.length - at, offset + bytesWritten + at)).bytesWritten
}

const COPY_BYTES = 4 * 1024 * 1024

/** Copy a range of an open descriptor to a file; `onBytes` sees each piece. Kept to one buffer, however long the range. */
export async function copyRange(
  from: number,
  start: number,
  length: number,
  to: FileHandle,
  offset: number,
  onBytes?: (piece: Buffer) => void,
): Promise<void> {
  const buffer = Buffer.allocUnsafe(Math.min(COPY_BYTES, Math.max(length, 1)))
  let done = 0
  while (done < length) {
    const bytesRead = await readAt(from, buffer, Math.min(buffer.length, length - done), start + done)
    if (bytesRead === 0)
      throw new Error(`A stored file is shorter than recorded: ${done} of ${length} bytes are there.`)
    const piece = buffer.subarray(0, bytesRead)
    onBytes?.(piece)
    let written = 0
    while (written < bytesRead) {
      written += (await to.write(piece, written, bytesRead - written, offset + done + written)).bytesWritten
    }
    done += bytesRead
  }
}

function readAt(file: number, buffer: Buffer, length: number, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    read(file, buffer, 0, length, position, (cause, bytesRead) => (cause ? reject(cause) : resolve(bytesRead)))
  })
}

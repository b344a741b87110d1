/** One server per directory: a second one would sweep away what the first is still writing. */
import { mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isCode } from './durable-file.ts'

const held = new Set<string>()

/** @returns what gives the directory free again. @throws Error naming the process that holds it */
export function lockDirectory(directory: string): () => void {
  mkdirSync(join(directory, '.s3'), { recursive: true })
  const real = realpathSync(directory)
  const path = join(real, '.s3', 'lock')
  const holder = readHolder(path)
  // Our own number without our own lock is left over from a killed process: containers reuse numbers.
  const taken = held.has(real) || (holder !== undefined && holder !== process.pid && isAlive(holder))
  if (taken) {
    throw new Error(
      `The directory ${directory} is in use by another embedded S3 (process ${holder ?? process.pid}). Stop it, or choose another directory. If it isn't running, remove ${path}.`,
    )
  }
  writeFileSync(path, String(process.pid))
  held.add(real)
  return () => {
    held.delete(real)
    rmSync(path, { force: true })
  }
}

function readHolder(path: string): number | undefined {
  try {
    const holder = Number(readFileSync(path, 'utf8'))
    return Number.isSafeInteger(holder) && holder > 0 ? holder : undefined
  } catch (cause) {
    if (isCode(cause, 'ENOENT')) return undefined
    throw cause
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (cause) {
    return isCode(cause, 'EPERM')
  }
}

/** Writes a report and what proves it, all or nothing: what was there is replaced by a whole one only. */
import { createHash } from 'node:crypto'
import { open, rename, rm, writeFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { CliError } from '../../run/cli-error.ts'

/** What a signer makes of the file's SHA-256. */
export interface Signature {
  /** As KMS gives it: `openssl dgst -verify` takes it. */
  bytes: Uint8Array
  algorithm: string
  /** The key's ARN. */
  key: string
}

/** @param file the whole report, to compare the signature with @throws CliError */
export type Signer = (digest: Uint8Array, file: string) => Promise<Signature>

export interface WrittenReport {
  sha256: string
  signature?: Signature
}

/** Writes the file, `<file>.sha256` as `sha256sum --check` takes it, and with a signer `<file>.sig`. */
export async function writeReport(file: string, pieces: Iterable<string>, signer?: Signer): Promise<WrittenReport> {
  const part = (name: string) => `${name}.${process.pid}.part`
  const names = [file, `${file}.sha256`, ...(signer === undefined ? [] : [`${file}.sig`])]
  try {
    const sha256 = await writePieces(part(file), pieces)
    await writeFile(part(`${file}.sha256`), `${sha256.toString('hex')}  ${basename(file)}\n`)
    const signature = await signer?.(sha256, part(file))
    if (signature !== undefined) await writeFile(part(`${file}.sig`), signature.bytes)
    // A signature of an earlier report says nothing of this one.
    if (signature === undefined) await rm(`${file}.sig`, { force: true })
    for (const name of names) await rename(part(name), name)
    return { sha256: sha256.toString('hex'), ...(signature === undefined ? {} : { signature }) }
  } catch (error) {
    for (const name of names) await rm(part(name), { force: true })
    if (error instanceof CliError || !isFileFault(error)) throw error
    throw new CliError(`The report can't be written to ${file}: ${error.message}.`, { cause: error })
  }
}

async function writePieces(path: string, pieces: Iterable<string>): Promise<Buffer> {
  const hash = createHash('sha256')
  const file = await open(path, 'w')
  try {
    for (const piece of pieces) {
      hash.update(piece)
      await file.write(piece)
    }
    await file.sync()
  } finally {
    await file.close()
  }
  return hash.digest()
}

function isFileFault(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error && 'code' in error
}

/** Reads an archive file on this machine, and says whether the restore tool would accept it. */
import { MANIFEST_NAME } from '../../../functions/domain/books/object-keys.ts'
import { createReadStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { readArchive } from '../../../functions/archive-formats/formats.ts'
import type { Manifest } from '../../../functions/contracts/manifest.ts'
import type { Verification } from '../../../functions/contracts/verification.ts'
import { judgeAgainstManifest } from '../../../functions/domain/verification/match-manifest.ts'
import { toolVersion } from '../../../functions/runtime/version.ts'
import { CliError } from '../../run/cli-error.ts'
import { newerAdvice } from '../../../functions/domain/books/stored-record.ts'
import { manifestShape } from '../../../functions/operations/books/shapes.ts'
import { recordIn } from '../../../functions/operations/books/stored-json.ts'

/** Large enough that the disk isn't asked too often, small enough for the processor's cache. */
const READ_BYTES = 1024 * 1024

/**
 * @param manifestFile what the file should be; without it, `manifest.json` beside the file, if that names the file
 * @throws CliError when a file can't be read
 */
export async function verifyLocalFile(path: string, manifestFile: string | undefined): Promise<Verification> {
  await requireFile(path)
  const fileName = basename(path)
  const { manifest, note } = await manifestFor(path, manifestFile)
  const chunks: AsyncIterable<Buffer> = createReadStream(path, { highWaterMark: READ_BYTES })
  const reading = await readArchive(chunks, {
    fileName,
    ...(manifest === undefined ? {} : { guest: manifest.guest }),
  }).catch((error: unknown) => {
    if (error instanceof Error && 'syscall' in error) throw new CliError(`${path} can't be read: ${error.message}.`)
    throw error
  })
  const { result, findings, notes } = manifest === undefined ? reading : judgeAgainstManifest(reading, manifest)
  return {
    version: 1,
    verifiedAt: new Date().toISOString(),
    tool: toolVersion,
    result,
    findings,
    notes: [...notes, note],
    evidence: [reading.evidence],
  }
}

async function requireFile(path: string): Promise<void> {
  const found = await stat(path).catch((error: Error) => {
    throw new CliError(`${path} can't be read: ${error.message}.`)
  })
  if (!found.isFile()) throw new CliError(`${path} is not a file.`)
}

/** The manifest that a file on this machine is compared with, and a sentence that says which. */
export async function manifestFor(
  path: string,
  manifestFile: string | undefined,
): Promise<{ manifest?: Manifest; note: string }> {
  const place = manifestFile ?? join(dirname(path), MANIFEST_NAME)
  const text = await readFile(place, 'utf8').catch(() => undefined)
  if (text === undefined) {
    if (manifestFile !== undefined) throw new CliError(`${manifestFile} can't be read.`)
    return { note: 'There is no manifest beside the file, so its size and CRC-32 were compared with nothing.' }
  }
  const found = recordIn(manifestShape, text)
  if (!('value' in found)) {
    const why =
      'newerVersion' in found ? `can't be read. ${newerAdvice(found)}` : `is no manifest: ${found.unreadable}.`
    const problem = `${place} ${why}`
    if (manifestFile !== undefined) throw new CliError(problem)
    return { note: `${problem} Size and CRC-32 were compared with nothing.` }
  }
  const manifest = found.value
  const named = manifest.artifacts.some(({ fileName }) => fileName === basename(path))
  if (!named && manifestFile === undefined) {
    return { note: `${place} is of another archive, so size and CRC-32 were compared with nothing.` }
  }
  return { manifest, note: `Compared with ${place}.` }
}

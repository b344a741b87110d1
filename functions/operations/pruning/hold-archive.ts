import { sentence } from '../../domain/words/sentence.ts'
import type { HoldStore } from '../../aws/version-store.ts'
import { ArchiveUnknown, GuestliftError, LockMissing } from '../../contracts/errors.ts'
import { isWrittenByReading, manifestKey } from '../../domain/books/object-keys.ts'
import { manifestShape } from '../books/shapes.ts'
import { readRecord } from '../books/stored-json.ts'
import type { Ports } from '../ports.ts'

export interface HoldPorts extends Pick<Ports, 'store'> {
  holds: HoldStore
}

export interface HoldOrder {
  /** With a slash at its end. */
  folder: string
  /** Hold it, or release it. */
  on: boolean
}

/** What became of an archive's files. Verdicts and indexes aren't among them: each reading replaces those. */
export interface HoldReport {
  folder: string
  on: boolean
  /** Files that are as asked for now, as S3 shows them. */
  settled: number
  /** Files among them that were not so before. */
  changed: number
  /** Files that are not as asked for, with a sentence each. Empty when all is done. */
  left: { key: string; reason: string }[]
}

interface HeldFile {
  key: string
  versionId: string
  held: boolean
}

/**
 * Set a legal hold on every file of a whole archive, the manifest first; or release all of them, the manifest last. Each
 * is read back: what S3 took is not what it shows. Asked again, it goes on with what is left.
 * @throws ArchiveUnknown when a file is missing, and nothing was held
 * @throws LockMissing when the bucket has no Object Lock; and the store's errors while nothing was changed
 */
export async function holdArchive({ folder, on }: HoldOrder, ports: HoldPorts): Promise<HoldReport> {
  const manifest = manifestKey(folder)
  const found = await filesOf(folder, on, ports)
  const first = (key: string) => (key === manifest) === on
  const files = [...found.filter(({ key }) => first(key)), ...found.filter(({ key }) => !first(key))]
  const report: HoldReport = { folder, on, settled: 0, changed: 0, left: [] }
  for (const { key, versionId, held } of files) {
    try {
      if (held !== on) await ports.holds.setHold(key, versionId, on)
      const isSo = (await ports.holds.holdOf(key, versionId)) === on
      if (isSo) report.settled += 1
      else report.left.push({ key, reason: `S3 took the call and shows ${on ? 'no hold' : 'the hold still'}.` })
      if (isSo && held !== on) report.changed += 1
    } catch (error) {
      if (!(error instanceof GuestliftError) || report.changed === 0) throw error
      report.left.push({ key, reason: sentence(error.message) })
    }
  }
  return report
}

/** An archive that lacks a file is not held: it would look safe. It is released, whatever is left of it. */
async function filesOf(folder: string, on: boolean, { store, holds }: HoldPorts): Promise<HeldFile[]> {
  const where = `s3://${store.bucket}/${folder}`
  const keys = (await store.listKeys(folder)).filter((key) => !isWrittenByReading(folder, key))
  const versions = on ? await versionsInManifest(folder, keys, store) : new Map<string, string | undefined>()
  const files: HeldFile[] = []
  for (const key of keys) {
    const object = await store.head(key)
    if (object === undefined) {
      if (on) throw new ArchiveUnknown(`${where} is being removed: ${key} was there and is gone. Nothing was held.`)
      continue
    }
    const { versionId } = object
    if (versionId === undefined) {
      throw new LockMissing(`${where} can't be held: its bucket keeps no versions, and so has no Object Lock.`)
    }
    const named = versions.get(key)
    if (named !== undefined && named !== versionId) {
      throw new ArchiveUnknown(
        `s3://${store.bucket}/${key} is another version than the manifest names. Nothing was held.`,
      )
    }
    files.push({ key, versionId, held: await holds.holdOf(key, versionId) })
  }
  if (files.length === 0) throw new ArchiveUnknown(`There is nothing in ${where}.`)
  return files
}

/** Of its artifacts. @throws ArchiveUnknown, RecordTooNew, RecordUnreadable */
async function versionsInManifest(
  folder: string,
  keys: readonly string[],
  store: HoldPorts['store'],
): Promise<Map<string, string | undefined>> {
  const manifest = await readRecord(store, manifestKey(folder), manifestShape)
  const where = `s3://${store.bucket}/${folder}`
  if (manifest === undefined) throw new ArchiveUnknown(`${where} has no manifest: it is no archive. Nothing was held.`)
  const wanted = [...manifest.artifacts.map(({ key }) => key), ...manifest.sideFiles]
  const missing = wanted.filter((key) => !keys.includes(key))
  if (missing.length > 0) throw new ArchiveUnknown(`${where} lacks ${missing.join(', ')}. Nothing was held.`)
  return new Map(manifest.artifacts.map(({ key, versionId }) => [key, versionId]))
}

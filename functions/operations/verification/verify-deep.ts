import { sentence } from '../../domain/words/sentence.ts'
import { readArchive } from '../../archive-formats/formats.ts'
import { GuestliftError, ObjectFrozen } from '../../contracts/errors.ts'
import type { IndexedMember } from '../../contracts/content-index.ts'
import type { Manifest } from '../../contracts/manifest.ts'
import type { TaskInput, TaskOutput } from '../../contracts/tasks.ts'
import {
  type ArchiveEvidence,
  type Finding,
  type Verification,
  type VerificationResult,
} from '../../contracts/verification.ts'
import { contentIndexKey, manifestKey, verificationKey } from '../../domain/books/object-keys.ts'
import { formatBytes } from '../../domain/words/byte-size.ts'
import { judgeAgainstManifest } from '../../domain/verification/match-manifest.ts'
import { newerAdvice } from '../../domain/books/stored-record.ts'
import { manifestShape, verificationShape } from '../books/shapes.ts'
import { recordIn, requireRecord, writeRecord } from '../books/stored-json.ts'
import { readTextUnlessFrozen } from '../books/frozen-text.ts'
import type { Ports } from '../ports.ts'
import { ContentIndexWriter } from '../books/content-index.ts'
import { keepContentIndexes, type MadeIndex, madeIndex } from './content-indexes.ts'
import { keepVerdict } from './keep-verdict.ts'
import { lookAtLocks } from './look-at-locks.ts'
import { readObject } from './read-object.ts'

export type VerifyPorts = Pick<
  Ports,
  'store' | 'keyPrefix' | 'now' | 'toolVersion' | 'remainingMilliseconds' | 'requiredLock'
>

/** What is under way when time is called: ranges that S3 may be asked for several times, and the verdict's own writing. */
const RESERVE_MILLISECONDS = 60_000
const OUT_OF_TIME = 'out-of-time'

/** The reader's time is up before the file's end. */
class OutOfTime extends Error {}

/** One file's part in the verdict. */
interface FileReading {
  result: VerificationResult
  findings: Finding[]
  notes: string[]
  evidence?: ArchiveEvidence
  /** Of a container's archive that was accepted. */
  index?: MadeIndex
}

/**
 * Read an archive back from the store, every byte of it: the sum over all of them against the manifest's, and what they
 * are against what a restore needs. Writes `verification.json` beside the manifest, and keeps what was found by its day.
 * @param folder the archive's, with a slash at its end
 */
export async function verifyDeep(folder: string, ports: VerifyPorts): Promise<Verification> {
  const found = await readManifest(folder, ports)
  // Without a manifest there is no archive to say something of.
  if (!('manifest' in found)) return verificationOf([found], ports)
  const readings = await readFiles(found.manifest, ports)
  const isThere = async () => (await ports.store.head(manifestKey(folder)))?.etag === found.etag
  const isIndexed = readings.some(({ index }) => index !== undefined) && (await isThere())
  const indexes = isIndexed ? await keepContentIndexes(readings, ports) : { notes: [], written: [] }
  const read = {
    ...verificationOf(readings, ports, indexes.notes),
    ...(await lookAtLocks(folder, found.manifest, ports)),
  }
  const unkept = (await isThere()) ? await keepVerdict(folder, found.manifest, read, ports) : []
  const verification = { ...read, notes: [...read.notes, ...unkept] }
  if (await keepBesides(folder, isThere, verification, ports)) return verification
  for (const { key, etag } of indexes.written) await ports.store.remove(key, { etag })
  const gone = notVerified('removed-meanwhile', `${folder} was removed or replaced while it was read.`)
  return verificationOf([gone], ports)
}

function verificationOf(
  readings: readonly FileReading[],
  ports: VerifyPorts,
  notes: readonly string[] = [],
): Verification {
  return {
    version: 1,
    verifiedAt: ports.now().toISOString(),
    tool: ports.toolVersion,
    result: worst(readings.map(({ result }) => result)),
    findings: readings.flatMap(({ findings }) => findings),
    notes: [...readings.flatMap((reading) => reading.notes), ...notes],
    evidence: readings.flatMap(({ evidence }) => evidence ?? []),
  }
}

/** The same as a task: what fits into state. */
export async function verifyDeepTask(
  { folder }: TaskInput<'VerifyDeep'>,
  ports: VerifyPorts,
): Promise<TaskOutput<'VerifyDeep'>> {
  const { result, findings } = await verifyDeep(folder, ports)
  const outOfTime = result === 'not-verified' && findings.some(({ code }) => code === OUT_OF_TIME)
  return { result, outOfTime, reason: findings[0]?.message ?? '' }
}

/** One damaged file is the news, whatever could not be read of the others. */
function worst(results: readonly VerificationResult[]): VerificationResult {
  if (results.includes('refused')) return 'refused'
  return results.includes('not-verified') ? 'not-verified' : 'accepted'
}

const notVerified = (code: string, message: string): FileReading => ({
  result: 'not-verified',
  findings: [{ code, message }],
  notes: [],
})

async function readManifest(
  folder: string,
  { store }: VerifyPorts,
): Promise<{ manifest: Manifest; etag: string } | FileReading> {
  const key = manifestKey(folder)
  const found = await readTextUnlessFrozen(store, key)
  const where = `s3://${store.bucket}/${key}`
  if (found === undefined) return notVerified('no-manifest', `There is no ${where}: this archive was never finished.`)
  if ('frozen' in found) return notVerified('frozen', found.frozen)
  const manifest = recordIn(manifestShape, found.text)
  if ('value' in manifest) return { manifest: manifest.value, etag: found.etag }
  if ('newerVersion' in manifest) return notVerified('manifest-unreadable', `${where}: ${newerAdvice(manifest)}`)
  return notVerified('manifest-unreadable', `${where} can't be read: ${manifest.unreadable}.`)
}

async function readFiles(manifest: Manifest, ports: VerifyPorts): Promise<FileReading[]> {
  const readings: FileReading[] = []
  for (const artifact of manifest.artifacts) readings.push(await readFile(manifest, artifact, ports))
  return readings
}

async function readFile(
  manifest: Manifest,
  { key, fileName, content: disk }: Manifest['artifacts'][number],
  ports: VerifyPorts,
): Promise<FileReading> {
  const { store } = ports
  try {
    const object = await store.head(key)
    if (object === undefined) {
      const message = `s3://${store.bucket}/${key} is gone, and the manifest names it.`
      return { result: 'refused', findings: [{ code: 'object-missing', message }], notes: [] }
    }
    const passed = { bytes: 0 }
    const bytes = untilOutOfTime(readObject(store, key, object), { fileName, ...object }, passed, ports)
    const writer = new ContentIndexWriter()
    const onMember = (member: IndexedMember) => writer.add({ member, fileBytes: passed.bytes })
    const reading = await readArchive(bytes, { fileName, guest: manifest.guest, ...(disk && { disk }), onMember })
    const judged = { ...reading, ...judgeAgainstManifest(reading, manifest) }
    // What the manifest names is never replaced, whatever it is called.
    const named = [...manifest.artifacts.map((one) => one.key), ...manifest.sideFiles]
    const isWanted = judged.result === 'accepted' && !named.includes(contentIndexKey(key))
    const index = isWanted ? madeIndex(key, object, judged.evidence, writer) : undefined
    return { ...judged, ...(index && { index }) }
  } catch (error) {
    if (error instanceof OutOfTime) return notVerified(OUT_OF_TIME, error.message)
    // What the store refuses or can't give now says nothing about the archive.
    if (error instanceof ObjectFrozen) return notVerified('frozen', sentence(error.message))
    if (!(error instanceof GuestliftError)) throw error
    return notVerified('not-read', `${fileName} could not be read to its end: ${error.message}`)
  }
}

/** All bytes, as long as there is time for more; `passed` counts them. @throws OutOfTime, which says how far it got */
async function* untilOutOfTime(
  source: AsyncIterable<Buffer>,
  { fileName, sizeBytes }: { fileName: string; sizeBytes: number },
  passed: { bytes: number },
  { remainingMilliseconds }: VerifyPorts,
): AsyncGenerator<Buffer> {
  const stopInTime = () => {
    if (remainingMilliseconds() >= RESERVE_MILLISECONDS) return
    throw new OutOfTime(
      `${fileName} could not be read to its end: time ran out after ${formatBytes(passed.bytes)} of ${formatBytes(sizeBytes)}.`,
    )
  }
  stopInTime()
  for await (const chunk of source) {
    passed.bytes += chunk.length
    yield chunk
    if (passed.bytes < sizeBytes) stopInTime()
  }
}

/** How often another verification of the same archive may come between reading and writing. */
const TRIES = 3

/**
 * Write the verdict beside the manifest that was read, as long as that is there. Reading takes hours, and a pruning may
 * have removed the archive: a verdict alone would look like an archive that was never finished. So it is looked for again
 * afterwards, and a verdict that came too late is taken back. Returns whether the archive is still there.
 */
async function keepBesides(
  folder: string,
  isThere: () => Promise<boolean>,
  verification: Verification,
  ports: VerifyPorts,
): Promise<boolean> {
  const { store } = ports
  if (!(await isThere())) return false
  const key = verificationKey(folder)
  const written = await keep(verification, key, ports)
  if (written === undefined || (await isThere())) return true
  // Another's is another's to take back.
  if ((await store.head(key))?.etag === written) await store.remove(key, { etag: written })
  return false
}

/**
 * Writes unless there is a newer one. A verdict that a failed reading would hide stays, with a word about the try.
 * Returns the ETag of what was written, if anything was.
 */
async function keep(verification: Verification, key: string, { store }: VerifyPorts): Promise<string | undefined> {
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    const there = await heldAt(key, store)
    // What lies in Glacier may be a verdict, which only another one replaces.
    if (there?.text === undefined && there !== undefined && verification.result === 'not-verified') return undefined
    const found = there?.text === undefined ? undefined : verdictIn(key, there.text, store)
    // A verdict that nobody can read may be a refusal, which only another verdict replaces.
    if (found === 'unreadable' && verification.result === 'not-verified') return undefined
    const held = found === 'unreadable' ? undefined : found
    if (held !== undefined && held.verifiedAt > verification.verifiedAt) return undefined
    const stays = held !== undefined && held.result !== 'not-verified' && verification.result === 'not-verified'
    const next = stays ? withAttempt(held, verification) : verification
    const onlyIf = there === undefined ? { absent: true as const } : { etag: there.etag }
    const written = await writeRecord(store, key, verificationShape, next, { onlyIf, held: stays })
    if (written !== undefined) return written
  }
  return undefined
}

/** What is there already. Without a text: it lies in Glacier. */
async function heldAt(key: string, store: VerifyPorts['store']): Promise<{ etag: string; text?: string } | undefined> {
  const found = await readTextUnlessFrozen(store, key)
  return found !== undefined && 'frozen' in found ? store.head(key) : found
}

/** @throws RecordTooNew: what a newer version found isn't replaced by what this one can tell */
function verdictIn(key: string, text: string, store: VerifyPorts['store']): Verification | 'unreadable' {
  const found = recordIn(verificationShape, text, 'kept')
  if ('unreadable' in found) return 'unreadable'
  return 'value' in found ? found.value : requireRecord(store, key, verificationShape, text)
}

function withAttempt(held: Verification, { verifiedAt: at, findings }: Verification): Verification {
  return { ...held, attempt: { at, reason: findings[0]?.message ?? 'It could not be read.' } }
}

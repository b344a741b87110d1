/* oxlint-disable typescript/no-unsafe-type-assertion -- reads back what this program wrote */
/**
 * Open multipart uploads of one bucket. Parts of equal size go straight to their final offset in one file, so that
 * completing the usual upload copies nothing; whatever doesn't fit that pattern gets a file of its own and is copied.
 */
import { randomBytes } from 'node:crypto'
import { appendFileSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { copyRange, readJson, replaceJson, settle } from './durable-file.ts'
import { OrderedMap } from './key-order.ts'
import { type BucketPaths, exists } from './layout.ts'
import type { PartRecord, UploadRecord } from './records.ts'

/** Beyond this, a file with holes in it may be more than the file system takes (ext4 ends at 16 TiB). */
const LARGEST_ASSEMBLY_BYTES = 8 * 2 ** 40

/** Where a part may be written; `release` once it is recorded or has failed. */
export interface PartPlace {
  path: string
  file: string
  offset: number
  release: () => void
}

type LogLine = { part: PartRecord } | { assembled: { file: string; bodyId: string } }

export class Upload {
  readonly record: UploadRecord
  readonly folder: string
  readonly parts = new Map<number, PartRecord>()
  /** Set while a completion assembles the parts: what arrives then must not touch them. */
  completing: Promise<unknown> | undefined
  gone = false
  readonly #claims = new Set<number>()
  #assembly = { file: 'assembly-1', slotBytes: 0, generation: 1 }

  constructor(folder: string, record: UploadRecord) {
    this.folder = folder
    this.record = record
  }

  /** The parts in ascending order. */
  sortedParts(): PartRecord[] {
    return [...this.parts.values()].toSorted((a, b) => a.partNumber - b.partNumber)
  }

  place(partNumber: number, sizeBytes: number): PartPlace {
    if (sizeBytes > this.#assembly.slotBytes && this.completing === undefined) this.#grow(sizeBytes)
    const { file, slotBytes } = this.#assembly
    const offset = (partNumber - 1) * slotBytes
    const taken = this.#claims.has(partNumber) || this.parts.get(partNumber)?.file === file
    const fits = sizeBytes <= slotBytes && offset + sizeBytes <= LARGEST_ASSEMBLY_BYTES
    if (taken || !fits || this.completing !== undefined) {
      const own = `part-${partNumber}-${randomBytes(6).toString('hex')}`
      return { path: join(this.folder, own), file: own, offset: 0, release: () => this.#discardUnlessUsed(own) }
    }
    this.#claims.add(partNumber)
    const generation = this.#assembly
    const release = (): void => {
      if (generation === this.#assembly) this.#claims.delete(partNumber)
    }
    return { path: join(this.folder, file), file, offset, release }
  }

  /** A larger part than any before: the earlier ones were the exception, and are copied at the end. */
  #grow(slotBytes: number): void {
    const { generation: current, slotBytes: before } = this.#assembly
    const generation = before === 0 ? current : current + 1
    this.#assembly = { file: `assembly-${generation}`, slotBytes, generation }
    this.#claims.clear()
  }

  #discardUnlessUsed(file: string): void {
    if (![...this.parts.values()].some((part) => part.file === file)) rmSync(join(this.folder, file), { force: true })
  }

  /** From here on the part exists. The bytes must be on the disk before. */
  async addPart(part: PartRecord): Promise<void> {
    const replaced = this.parts.get(part.partNumber)
    this.log({ part })
    this.parts.set(part.partNumber, part)
    if (replaced?.file.startsWith('part-')) rmSync(join(this.folder, replaced.file), { force: true })
    await settle(join(this.folder, 'parts.jsonl'))
  }

  log(line: LogLine): void {
    appendFileSync(join(this.folder, 'parts.jsonl'), `${JSON.stringify(line)}\n`)
  }

  /** Read back the log; returns the body that a completion under way at the time had made, if any. */
  load(): { file: string; bodyId: string } | undefined {
    let assembled: { file: string; bodyId: string } | undefined
    const path = join(this.folder, 'parts.jsonl')
    const text = exists(path) ? readFileSync(path, 'utf8') : ''
    for (const line of text.split('\n')) {
      const entry = parseLine(line)
      if (entry && 'part' in entry) this.parts.set(entry.part.partNumber, entry.part)
      else if (entry) assembled = entry.assembled
    }
    // A line cut short by a kill must not swallow the next one.
    if (text !== '' && !text.endsWith('\n')) appendFileSync(path, '\n')
    const generations = readdirSync(this.folder).flatMap((name) => /^assembly-(\d+)$/.exec(name)?.[1] ?? [])
    // The slot size isn't recorded; a new generation is always right, and what is there is copied at the end at worst.
    const used = Math.max(0, ...generations.map(Number))
    this.#assembly = this.#restored(used)
    return assembled
  }

  #restored(generation: number): { file: string; slotBytes: number; generation: number } {
    const file = `assembly-${Math.max(generation, 1)}`
    const inside = [...this.parts.values()].filter((part) => part.file === file)
    const later = inside.find((part) => part.partNumber > 1)
    const slotBytes = later ? later.offset / (later.partNumber - 1) : (inside[0]?.sizeBytes ?? 0)
    return { file, slotBytes, generation: generation === 0 ? 1 : generation }
  }

  /**
   * One file of exactly these parts, in this order, on the disk. Returns its name in the upload's folder.
   * Parts that aren't listed, and a failure half-way, leave every recorded part readable.
   */
  async assemble(parts: readonly PartRecord[]): Promise<string> {
    let end = 0
    const wanted = parts.map((part) => {
      const offset = end
      end += part.sizeBytes
      return { part, offset }
    })
    const target = this.#canAssembleInPlace(wanted) ? this.#assembly.file : `whole-${randomBytes(6).toString('hex')}`
    const out = await open(join(this.folder, target), exists(join(this.folder, target)) ? 'r+' : 'w+')
    try {
      for (const { part, offset } of wanted) {
        if (part.file === target) continue
        const source = await open(join(this.folder, part.file), 'r')
        try {
          await copyRange(source.fd, part.offset, part.sizeBytes, out, offset)
        } finally {
          await source.close()
        }
      }
      await out.truncate(end)
      await out.sync()
    } finally {
      await out.close()
    }
    return target
  }

  /** Only if nothing recorded or arriving in the shared file lies anywhere but at its final place. */
  #canAssembleInPlace(wanted: readonly { part: PartRecord; offset: number }[]): boolean {
    const { file } = this.#assembly
    const inside = new Set([...this.parts.values()].filter((part) => part.file === file))
    const settled = wanted.filter(({ part, offset }) => inside.has(part) && part.offset === offset)
    return settled.length > 0 && settled.length === inside.size && this.#claims.size === 0
  }
}

export class UploadStore {
  readonly #paths: BucketPaths
  readonly #uploads = new Map<string, Upload>()

  /** @param bodies ids of the bodies that objects use: an upload whose result is among them is finished */
  constructor(paths: BucketPaths, bodies: ReadonlySet<string>) {
    this.#paths = paths
    for (const uploadId of readdirSync(paths.uploads)) {
      const folder = join(paths.uploads, uploadId)
      const record = readJson<UploadRecord>(join(folder, 'upload.json'))
      const upload = record && new Upload(folder, record)
      const assembled = upload?.load()
      if (!upload || (assembled && bodies.has(assembled.bodyId))) {
        rmSync(folder, { recursive: true, force: true })
        continue
      }
      // Killed between handing over the assembled file and the commit: take it back.
      if (assembled && exists(join(paths.bodies, assembled.bodyId))) {
        renameSync(join(paths.bodies, assembled.bodyId), join(folder, assembled.file))
      }
      this.#uploads.set(uploadId, upload)
    }
  }

  async create(record: UploadRecord): Promise<Upload> {
    const folder = join(this.#paths.uploads, record.uploadId)
    mkdirSync(folder)
    replaceJson(join(folder, 'upload.json'), record)
    await settle(join(folder, 'upload.json'), folder, this.#paths.uploads)
    const upload = new Upload(folder, record)
    this.#uploads.set(record.uploadId, upload)
    return upload
  }

  get(key: string, uploadId: string): Upload | undefined {
    const upload = this.#uploads.get(uploadId)
    return upload?.record.key === key ? upload : undefined
  }

  /** By key, then by the time of their creation. */
  inOrder(): Upload[] {
    const byKey = new OrderedMap<Upload[]>()
    for (const upload of this.#uploads.values()) {
      const { key } = upload.record
      byKey.set(key, [...(byKey.get(key) ?? []), upload])
    }
    return [...byKey.from('')].flatMap(([, uploads]) =>
      uploads.toSorted((a, b) => (a.record.initiatedAt < b.record.initiatedAt ? -1 : 1)),
    )
  }

  /** Move the assembled file to where a commit expects it; the log remembers it until then. */
  handOver(upload: Upload, file: string, bodyId: string, bodyPath: string): void {
    upload.log({ assembled: { file, bodyId } })
    renameSync(join(upload.folder, file), bodyPath)
  }

  takeBack(upload: Upload, file: string, bodyPath: string): void {
    if (exists(bodyPath)) renameSync(bodyPath, join(upload.folder, file))
  }

  remove(upload: Upload): void {
    upload.gone = true
    this.#uploads.delete(upload.record.uploadId)
    rmSync(upload.folder, { recursive: true, force: true })
  }
}

/** A line that a kill cut short was never acknowledged. */
function parseLine(line: string): LogLine | undefined {
  try {
    return JSON.parse(line) as LogLine
  } catch {
    return undefined
  }
}

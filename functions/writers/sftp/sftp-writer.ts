import { crc32 as crc32Of } from 'node:zlib'
import { combineCrc32 } from '../../domain/transfer/crc32.ts'
import { type SftpClient, SftpRefusal } from '../../ssh/sftp/sftp-client.ts'
import { freeBytes, fstat, lstat, remove, rename, sync, write } from '../../ssh/sftp/sftp-files.ts'
import type { SftpSession } from '../../ssh/sftp/sftp-session.ts'
import { isRegular, openFlag, statusCode } from '../../ssh/sftp/sftp-wire.ts'
import type { Landing } from '../landing.ts'
import type { Place } from '../place.ts'
import { Lanes } from './sftp-lanes.ts'
import { Turns } from './turns.ts'
import {
  damagedFact,
  foreignFact,
  fullFact,
  otherBytesFact,
  sizeFact,
  takenFact,
  vanishedFact,
} from '../target-facts.ts'
import { assertIsWhole, assertWhole } from '../whole.ts'
import type { FileRange, Range, RangeSource, Target, Writer } from '../writer.ts'
import { refusalFact } from './sftp-target-facts.ts'

/** The platform's services run as root; nobody else needs to read it. */
const NEW_FILE_MODE = 0o640
/** Read back at once: what is held in memory beside the range. */
const READ_BACK_BYTES = 8 * 2 ** 20
/** Ranges that are sent at once. Others are read back meanwhile: a line carries as much in each direction. */
const MOST_SENDING = 2
/** Tries of a range that lies there wrong each time. */
const MOST_TRIES = 3

/** One file on one node, written over SFTP by functions. */
export class SftpWriter implements Writer {
  readonly found: { sizeBytes: number } | undefined
  readonly #session: SftpSession
  readonly #place: Place
  readonly #target: Target
  readonly #where: string
  readonly #username: string
  readonly #finished: boolean
  readonly #lanes: Lanes
  readonly #sending = new Turns(MOST_SENDING)

  constructor(
    session: SftpSession,
    place: Place,
    target: Target,
    at: Landing,
    who: { where: string; username: string },
  ) {
    this.#session = session
    this.#place = place
    this.#target = target
    this.#where = who.where
    this.#username = who.username
    this.found = at.found
    this.#finished = at.finished
    this.#lanes = new Lanes(session, (sftp) => this.#openAnew(sftp))
  }

  holds(range: FileRange, signal?: AbortSignal): Promise<boolean> {
    return this.#lies(this.#finished ? this.#place.final : this.#place.temporary, range, signal)
  }

  async bring(range: Range, source: RangeSource, signal?: AbortSignal): Promise<{ throttles: number; crc32: number }> {
    if (this.#finished) throw takenFact(this.#place.final, this.#where)
    // What reading fails of is thrown first.
    const opening = this.#orFact(this.#lanes.all())
    opening.catch(() => undefined)
    const bytes = await source.read(range, signal)
    const lanes = await opening
    const crc32 = crc32Of(bytes)
    // What comes from the store is judged where it comes from; here, what is sent has to be what was meant.
    if (bytes.length !== range.sizeBytes || crc32 !== (range.crc32 ?? crc32)) {
      throw otherBytesFact(this.#place.temporary, range.positionBytes)
    }
    const [{ sftp, handle }] = lanes
    for (let attempt = 1; attempt <= MOST_TRIES; attempt++) {
      try {
        await this.#sending.run(() => write(lanes, range.positionBytes, bytes, signal))
        // Whatever channel it came by, the disk is to take it.
        await sync(sftp, handle)
      } catch (error) {
        throw await this.#writeFact(error, range)
      }
      // Over the line, nothing is altered unseen; reading back would cost as much as sending.
      if (this.#target.provesItself === true) return { throttles: 0, crc32 }
      if ((await this.#sumOf(sftp, handle, range, signal)) === crc32) return { throttles: 0, crc32 }
    }
    throw damagedFact(this.#place.temporary, this.#where, range.positionBytes)
  }

  async finish(
    whole: { crc32: number },
    ranges: readonly FileRange[],
    signal?: AbortSignal,
  ): Promise<{ made: boolean }> {
    const { sftp } = this.#session
    const { temporary, final } = this.#place
    const wantedBytes = this.#target.sizeBytes
    assertWhole(`${final} on ${this.#where}`, { sizeBytes: wantedBytes, crc32: whole.crc32 }, ranges)
    if ((await this.#orFact(lstat(sftp, temporary))) !== undefined) {
      const { handle } = await this.#orFact(this.#lanes.first())
      const { sizeBytes = 0 } = await this.#orFact(fstat(sftp, handle))
      if (sizeBytes !== wantedBytes) throw sizeFact(temporary, this.#where, sizeBytes, wantedBytes)
      await sync(sftp, handle).catch(async (error: unknown) => {
        throw await this.#writeFact(error, { sizeBytes: 0 })
      })
      signal?.throwIfAborted()
      const named = await this.#rename()
      if (named) return { made: true }
    }
    await this.#assertFinal(ranges, signal)
    await this.discard()
    return { made: false }
  }

  async discard(): Promise<void> {
    await this.#orFact(remove(this.#session.sftp, this.#place.temporary))
  }

  close(): Promise<void> {
    return this.#session.close()
  }

  /** The temporary file, made where there is none. Never what a link leads to, as far as the protocol can. */
  async #openAnew(sftp: SftpClient): Promise<Buffer> {
    const { temporary } = this.#place
    const both = openFlag.read | openFlag.write
    for (let again = true; ; again = false) {
      const there = await lstat(sftp, temporary)
      if (there !== undefined) {
        if (!isRegular(there)) throw foreignFact(temporary, this.#where, 'not a regular file')
        return sftp.open(temporary, both)
      }
      try {
        // Exclusive: a link that comes in between isn't followed but refused.
        return await sftp.open(temporary, both | openFlag.create | openFlag.exclusive, NEW_FILE_MODE)
      } catch (error) {
        // Another writer of this restore may have made it just now.
        if (!again || !(error instanceof SftpRefusal && error.code === statusCode.failure)) throw error
      }
    }
  }

  /** Returns false when the name is taken, or the file has gone. */
  async #rename(): Promise<boolean> {
    const { sftp } = this.#session
    const { temporary, final } = this.#place
    try {
      await rename(sftp, temporary, final)
      return true
    } catch (error) {
      if (!(error instanceof SftpRefusal)) throw error
      const [there, own] = [await this.#orFact(lstat(sftp, final)), await this.#orFact(lstat(sftp, temporary))]
      if (there === undefined && own !== undefined) throw refusalFact(error, final, this.#where, this.#username)
      return false
    }
  }

  /** Is what has the final name the file? @throws TargetTaken, TargetUnwritable */
  async #assertFinal(ranges: readonly FileRange[], signal?: AbortSignal): Promise<void> {
    const { final, temporary } = this.#place
    const there = await this.#orFact(lstat(this.#session.sftp, final))
    if (there === undefined) throw vanishedFact(temporary, this.#where)
    const wanted = { path: final, where: this.#where, sizeBytes: this.#target.sizeBytes }
    await assertIsWhole({ regular: isRegular(there), sizeBytes: there.sizeBytes }, wanted, ranges, (range) =>
      this.#lies(final, range, signal),
    )
  }

  /** The range of a file, read back over the line. A file that is missing or shorter doesn't hold it. */
  async #lies(path: string, range: FileRange, signal?: AbortSignal): Promise<boolean> {
    signal?.throwIfAborted()
    const { sftp } = this.#session
    const there = await this.#orFact(lstat(sftp, path))
    if (there === undefined || (there.sizeBytes ?? 0) < range.positionBytes + range.sizeBytes) return false
    if (!isRegular(there)) throw foreignFact(path, this.#where, 'not a regular file')
    const handle = await this.#orFact(sftp.open(path))
    try {
      return (await this.#sumOf(sftp, handle, range, signal)) === range.crc32
    } finally {
      await sftp.closeHandle(handle).catch(() => undefined)
    }
  }

  /** CRC-32 of a range as the server has it; `undefined` when the file ends within. */
  async #sumOf(sftp: SftpClient, handle: Buffer, range: Range, signal?: AbortSignal): Promise<number | undefined> {
    const room = Buffer.allocUnsafe(Math.min(READ_BACK_BYTES, range.sizeBytes))
    let sum = 0
    for (let at = 0; at < range.sizeBytes; at += room.length) {
      const piece = room.subarray(0, Math.min(room.length, range.sizeBytes - at))
      try {
        const pieceSum = await sftp.read(handle, range.positionBytes + at, piece, signal)
        sum = combineCrc32(sum, pieceSum, piece.length)
      } catch (error) {
        if (error instanceof SftpRefusal && error.code === statusCode.eof) return undefined
        throw refusalFact(error, this.#place.temporary, this.#where, this.#username)
      }
    }
    return sum
  }

  /** The protocol has no word for a full disk: the room that is left has to say it. */
  async #writeFact(error: unknown, { sizeBytes }: { sizeBytes: number }): Promise<unknown> {
    const { temporary, folder } = this.#place
    if (error instanceof SftpRefusal && error.code === statusCode.failure) {
      const left = await freeBytes(this.#session.sftp, folder).catch(() => undefined)
      if (left !== undefined && left <= sizeBytes) {
        return fullFact(temporary, this.#where, `${left} bytes are free`, { cause: error })
      }
    }
    return refusalFact(error, temporary, this.#where, this.#username)
  }

  #orFact<T>(work: Promise<T>): Promise<T> {
    return work.catch((error: unknown) => {
      throw refusalFact(error, this.#place.temporary, this.#where, this.#username)
    })
  }
}

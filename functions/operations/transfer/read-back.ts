import { crc32 } from 'node:zlib'
import { ChecksumMismatch, StoreUnavailable } from '../../contracts/errors.ts'
import type { LesserProof } from '../../contracts/proof.ts'
import { combineAllCrc32, crc32ToBase64 } from '../../domain/transfer/crc32.ts'
import { bareEtag } from '../../domain/transfer/etag.ts'
import { formatBytes } from '../../domain/words/byte-size.ts'
import { noteReadPiece, readPieces } from '../books/part-sums.ts'
import type { Ports } from '../ports.ts'
import { readObject } from '../verification/read-object.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'remainingMilliseconds' | 'log'>

/** What was read is written down after each: a call that dies loses one at most. */
const PIECE_BYTES = 256 * 2 ** 20
/** What is under way when time is called: ranges that S3 may be asked for several times. */
const RESERVE_MILLISECONDS = 60_000

/**
 * Read an object back whole and compare its CRC-32 with that of the bytes that were read from the source. What earlier
 * calls have read isn't read again.
 * @throws ChecksumMismatch when it holds other bytes; ArchiveConflict when somebody replaces it meanwhile
 * @throws StoreUnavailable when time runs out: asked again, it goes on where it was
 */
export async function readBack(
  key: string,
  object: { sizeBytes: number; etag: string },
  wanted: number,
  ports: Needs,
  pieceBytes = PIECE_BYTES,
): Promise<LesserProof> {
  const { store, log } = ports
  const { sizeBytes } = object
  const etag = bareEtag(object.etag)
  const where = `s3://${store.bucket}/${key}`
  const reading = { key, etag, pieceBytes }
  const known = await readPieces(reading, ports)
  const pieces: { crc32: number; sizeBytes: number }[] = []
  for (let from = 0; from < sizeBytes; from += pieceBytes) {
    const piece = pieces.length
    const range = { from, to: Math.min(from + pieceBytes, sizeBytes) }
    const sum = known.get(piece) ?? (await readPiece(range))
    pieces.push({ crc32: sum, sizeBytes: range.to - range.from })
    if (!known.has(piece)) await noteReadPiece(reading, { piece, crc32: sum }, ports)
  }
  const whole = combineAllCrc32(pieces)
  if (whole !== wanted) {
    throw new ChecksumMismatch(
      `${where} was read back whole: its ${sizeBytes} bytes have CRC-32 ${crc32ToBase64(whole)}, and those that were read ` +
        `from the source have ${crc32ToBase64(wanted)}. It has no manifest and doesn't count. Run again; if it happens again, ` +
        'check the memory of this machine and the store.',
    )
  }
  log('object-read-back', { key, sizeBytes })
  return { level: 'read-back', etag }

  async function readPiece({ from, to }: { from: number; to: number }): Promise<number> {
    let sum = 0
    for await (const bytes of readObject(store, key, object, { from, to })) {
      if (ports.remainingMilliseconds() < RESERVE_MILLISECONDS) {
        throw new StoreUnavailable(
          `${where} is being read back, since its store computes no checksum: ${formatBytes(from)} of ${formatBytes(sizeBytes)} by now. The next call goes on there.`,
        )
      }
      sum = crc32(bytes, sum)
    }
    return sum
  }
}

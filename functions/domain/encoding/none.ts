/** Object bytes are source bytes: parts are cut by `part-plan.ts`, and S3's list is all that is needed to know them. Pure. */
import { combineAllCrc32 } from '../transfer/crc32.ts'
import { missingParts, type PartPlan, partRange } from '../transfer/part-plan.ts'
import type { Assembly, ListedPart, MissingPart, PartEncoder, Piece } from './part-encoder.ts'

export function noneEncoder(plan: PartPlan, sizeBytes: number): PartEncoder {
  const { partSizeBytes, partCount } = plan
  const range = (partNumber: number) => partRange(partNumber, partSizeBytes, sizeBytes)
  const missing = (listed: Iterable<ListedPart>) => missingParts(plan, sizeBytes, listed)
  return {
    encoding: 'none',
    sourceParts: partCount,
    partCount,
    partSizeBytes,
    heldBytes: Math.min(partSizeBytes, sizeBytes),
    passesThrough: true,
    keepsRecords: false,
    partOfSource: (partNumber) => {
      const part = range(partNumber)
      return { positionBytes: part.positionBytes, sizeBytes: part.sizeBytes, readBytes: part.sizeBytes }
    },
    encode: async (partNumber, read, scratch, signal) => {
      const part = range(partNumber)
      const body = scratch.buffer(part.sizeBytes)
      const crc32 = await read(part.positionBytes, body, signal)
      return { partNumber, slices: [body], sizeBytes: body.length, crc32 }
    },
    missing,
    assemble: (listed) => assemble([...listed], partCount, missing),
    decode: piecesOf,
  }
}

function assemble(
  listed: readonly ListedPart[],
  partCount: number,
  missing: (listed: Iterable<ListedPart>) => number[],
): Assembly | { missing: MissingPart[] } {
  assertNoneBeyond(listed, partCount)
  const lacking = missing(listed)
  if (lacking.length > 0) {
    return { missing: lacking.map((partNumber) => ({ partNumber, reason: 'it is not listed in its size' })) }
  }
  const parts = listed.toSorted((one, other) => one.partNumber - other.partNumber)
  const whole = { sizeBytes: parts.reduce((sum, part) => sum + part.sizeBytes, 0), crc32: combineAllCrc32(parts) }
  return { closing: [], object: whole, source: whole }
}

/** They would become part of the object. @throws RangeError */
export function assertNoneBeyond(listed: readonly ListedPart[], partCount: number): void {
  const beyond = listed.find(({ partNumber }) => partNumber > partCount)
  if (beyond !== undefined)
    throw new RangeError(`there is a part ${beyond.partNumber}, and the plan ends with ${partCount}`)
}

async function* piecesOf(object: AsyncIterable<Buffer>): AsyncGenerator<Piece> {
  let positionBytes = 0
  for await (const bytes of object) {
    yield { positionBytes, sizeBytes: bytes.length, bytes }
    positionBytes += bytes.length
  }
}

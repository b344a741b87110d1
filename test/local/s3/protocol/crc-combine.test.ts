import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { startChecksum } from '../../../../local/s3/protocol/checksums.ts'
import { combineCrcs } from '../../../../local/s3/protocol/crc-combine.ts'

function digestOf(name: 'CRC32' | 'CRC32C' | 'CRC64NVME', data: Uint8Array): Buffer {
  const sum = startChecksum(name)
  sum.update(data)
  return sum.digest()
}

describe('combining CRCs', () => {
  it.each(['CRC32', 'CRC32C', 'CRC64NVME'] as const)('gives the %s of the concatenation for any cut', (name) => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 8 }), (pieces) => {
        const parts = pieces.map((piece) => ({ digest: digestOf(name, piece), sizeBytes: piece.length }))
        expect(combineCrcs(name, parts)).toEqual(digestOf(name, Buffer.concat(pieces)))
      }),
    )
  })
})

import { describe, expect, it } from 'vitest'
import { crc32c, crc64nvme } from '../../../../local/s3/protocol/crc-tables.ts'
import { startChecksum } from '../../../../local/s3/protocol/checksums.ts'

const CHECK = Buffer.from('123456789')

describe('checksums', () => {
  // The check values of the CRC catalogue (reveng.sourceforge.io) and of FIPS 180-4's kind for the digests.
  it.each([
    ['CRC32', 'cbf43926'],
    ['CRC32C', 'e3069283'],
    ['CRC64NVME', 'ae8b14860a799888'],
    ['SHA1', 'f7c3bc1d808e04732adf679965ccc34ca7ae3441'],
    ['SHA256', '15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225'],
  ] as const)('%s of "123456789" is its published check value', (algorithm, expected) => {
    const sum = startChecksum(algorithm)
    sum.update(CHECK)
    expect(sum.digest().toString('hex')).toBe(expected)
  })

  it.each([
    ['CRC-32C', crc32c],
    ['CRC-64/NVME', crc64nvme],
  ] as const)('%s does not depend on how the data is cut', (_, start) => {
    const data = Buffer.from(Array.from({ length: 5000 }, (_unused, at) => (at * 131 + (at >> 3)) & 255))
    const whole = start()
    whole.update(data)
    for (const size of [1, 3, 7, 8, 9, 64, 1001]) {
      const pieces = start()
      for (let at = 0; at < data.length; at += size) pieces.update(data.subarray(at, at + size))
      expect(pieces.digest()).toEqual(whole.digest())
    }
  })

  it('CRC-32C of 32 zero bytes and of 32 ff bytes are those of RFC 3720, appendix B.4', () => {
    const zeros = crc32c()
    zeros.update(Buffer.alloc(32))
    expect(zeros.digest().toString('hex')).toBe('8a9136aa')
    const ones = crc32c()
    ones.update(Buffer.alloc(32, 0xff))
    expect(ones.digest().toString('hex')).toBe('62a8ab43')
  })
})

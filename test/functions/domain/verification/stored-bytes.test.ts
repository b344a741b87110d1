import { expect, it } from 'vitest'
import type { ArchiveEvidence } from '../../../../functions/contracts/verification.ts'
import { judgeAgainstManifest } from '../../../../functions/domain/verification/match-manifest.ts'
import type { Manifest } from '../../../../functions/contracts/manifest.ts'

const evidence: ArchiveEvidence = { fileName: 'disk-0.vmdk', sizeBytes: 5, crc32: 'AAAAAA==', contentBytes: 5 }
const manifest = (checksum: string, sizeBytes = 5) =>
  ({ artifacts: [{ fileName: 'disk-0.vmdk', sizeBytes, checksum }] }) as unknown as Pick<Manifest, 'artifacts'>
const unknown = { code: 'not-inspected', message: 'disk-0.vmdk is of a format that isn’t known here.' }

it('accepts a file of an unknown format whose bytes are those that were archived, and notes that nobody looked inside', () => {
  const read = { result: 'not-verified' as const, findings: [unknown], notes: [], evidence }
  const judged = judgeAgainstManifest(read, manifest('CRC32:AAAAAA=='))
  expect([judged.result, judged.findings]).toEqual(['accepted', []])
  expect(judged.notes.join()).toMatch(/disk-0\.vmdk is of a format.*CRC-32 over all bytes are those that were archived/)
})

it.each([
  ['another checksum', manifest('CRC32:BBBBBB==')],
  ['another size', manifest('CRC32:AAAAAA==', 6)],
  ['no such file', { artifacts: [] }],
])('refuses it with %s', (_what, other) => {
  const read = { result: 'not-verified' as const, findings: [unknown], notes: [], evidence }
  expect(judgeAgainstManifest(read, other).result).toBe('refused')
})

it.each([
  ['refused', [{ code: 'zstd-data', message: 'damaged' }]],
  ['not-verified', [{ code: 'unsupported', message: 'bzip2' }]],
  ['accepted', []],
] as const)('leaves a reading that ended as %s as it is where the bytes are the same', (result, findings) => {
  const judged = judgeAgainstManifest(
    { result, findings: [...findings], notes: [], evidence },
    manifest('CRC32:AAAAAA=='),
  )
  expect([judged.result, judged.findings]).toEqual([result, findings])
})

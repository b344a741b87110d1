import { rawDiskEncoder } from '../../../../functions/archive-formats/raw-disk/encoder.ts'
import { noneEncoder } from '../../../../functions/domain/encoding/none.ts'
import { diskOf, MIB, planWith, times } from '../../archive-formats/raw-disk/made-disks.ts'
import { type EncodingCase, partEncoderConformance } from './conformance.ts'

const mixed = diskOf(
  [
    ...times(3, 'hole' as const),
    'text',
    'zeros',
    'random',
    ...times(9, 'hole' as const),
    ...times(6, 'text' as const),
    'hole',
    'random',
    ...times(10, 'hole' as const),
    'zeros',
  ],
  512,
)
const holesOnly = diskOf(times(20, 'hole' as const))

function none(name: string, source: Buffer, partSizeBytes: number): EncodingCase {
  const partCount = Math.max(1, Math.ceil(source.length / partSizeBytes))
  return { name, source, open: () => noneEncoder({ partSizeBytes, partCount }, source.length) }
}

partEncoderConformance('none', [
  none('several parts and a short last one', mixed.bytes.subarray(0, 5 * MIB + 7), MIB),
  none('one part', mixed.bytes.subarray(0, 1000), 64 * MIB),
])

function rawDisk(name: string, disk: { bytes: Buffer; map?: (typeof mixed)['map'] }, partBytes: number): EncodingCase {
  const plan = planWith(disk, partBytes)
  return { name, source: disk.bytes, open: () => rawDiskEncoder(plan, disk.map) }
}

partEncoderConformance('raw-disk', [
  rawDisk('a mixed disk of four parts', mixed, 4 * MIB),
  rawDisk('a mixed disk of two parts', mixed, 12 * MIB),
  rawDisk('a disk without a map', { bytes: mixed.bytes }, 8 * MIB),
  rawDisk('a disk that was never written to', holesOnly, 64 * MIB),
])

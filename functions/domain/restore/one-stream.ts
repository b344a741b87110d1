import type { RestoreFinding } from '../../contracts/restore.ts'
import { formatBytes } from '../words/byte-size.ts'

/**
 * What a function writes in one stream within its 15 minutes, at some 42 MiB/s: calculated, not measured. On one machine,
 * functions have the same limit.
 */
export const MOST_IN_ONE_STREAM_BYTES = 32 * 2 ** 30

/** Disks that are written as files: the next function can't go on with a file that is written in one stream. */
export function tooLargeForOneStream(
  disks: readonly { fileName: string; sizeBytes: number }[],
): RestoreFinding | undefined {
  const large = disks.filter(({ sizeBytes }) => sizeBytes > MOST_IN_ONE_STREAM_BYTES)
  if (large.length === 0) return undefined
  const named = large.map(({ fileName, sizeBytes }) => `${fileName} (${formatBytes(sizeBytes)})`).join(', ')
  return {
    name: 'delivery-unfit',
    level: 'refusal',
    message:
      `A function has 15 minutes, and a datastore takes a disk in one stream of at most ${formatBytes(MOST_IN_ONE_STREAM_BYTES)} in that time: ${named}. ` +
      'Restore by hand: unpack the disk, make it small with "qemu-img convert -O vmdk -o subformat=streamOptimized", and import that. See docs/vsphere.md, "By hand".',
  }
}

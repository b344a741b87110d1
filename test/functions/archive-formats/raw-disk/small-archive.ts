/** The archive of a disk of a few hundred bytes: its frames are as short as no plan makes them. */
import {
  dataFrame,
  entryOf,
  type Frame,
  HoleFrames,
  padFrame,
} from '../../../../functions/archive-formats/raw-disk/frames.ts'
import { seekTable } from '../../../../functions/archive-formats/raw-disk/seek-table.ts'

const letters = await dataFrame(Buffer.alloc(200, 'x'), 1)
const hole = await new HoleFrames().of(100)
const digits = await dataFrame(Buffer.from('0123456789'.repeat(5)), 1)

/** Letters, a hole, digits; behind each but the hole a pad, as at the end of a part. */
export const smallFrames: readonly Frame[] = [letters, padFrame(20), hole, digits, padFrame(9)]
export const smallDisk = Buffer.concat([Buffer.alloc(200, 'x'), Buffer.alloc(100), Buffer.from('0123456789'.repeat(5))])

/** Frames with the seek table that is about them, or about others. */
export function archiveOf(frames: readonly Frame[], about: readonly Frame[] = frames): Buffer {
  const table = seekTable(about.map((frame) => entryOf(frame)))
  return Buffer.concat([...frames.map(({ bytes }) => bytes), table])
}

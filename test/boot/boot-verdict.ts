/** What a boot of a restored disk proved, judged by what its guest wrote to the serial port and by nothing else. */

export type BootVerdict = { booted: true } | { booted: false; why: string }

/** Of `test/tools/boot-init.sh`, after the kernel's own time. */
const OURS = /^(?:\[ *\d+\.\d+\] )?guestlift-boot: (.*)$/
const COMPLAINT = /Kernel panic - not syncing.*|(?:Buffer )?I\/O error.*|EXT4-fs error.*/

/**
 * A guest booted when it wrote, once and whole, that it found this marker and that all it read was as it was written.
 * @param serial all that came over the serial port
 * @param marker what was written to the disk before it was archived
 */
export function judgeBoot(serial: string, marker: string): BootVerdict {
  // What follows the last end of a line was cut off, and may have been going to say anything.
  const lines = serial.split(/\r*\n/).slice(0, -1)
  const ours = lines.flatMap((line) => OURS.exec(line)?.[1] ?? [])
  const complaint = lines.flatMap((line) => COMPLAINT.exec(line)?.[0] ?? []).at(0)
  const [said, ...more] = ours
  if (said === undefined) return failed(complaint ?? 'the guest wrote no line')
  if (more.length > 0) return failed(`the guest wrote ${ours.length} lines: ${ours.join('; ')}`)
  const found = /^marker=(.*) ok$/.exec(said)?.[1]
  if (found === undefined) return failed(said)
  if (found !== marker) return failed(`the disk's marker is ${found}, not ${marker}`)
  if (complaint !== undefined) return failed(complaint)
  return { booted: true }
}

const failed = (why: string): BootVerdict => ({ booted: false, why })

/** Records of a pax header: `<length> <key>=<value>\n`, the length counting the whole record in decimal. */

/** The records, or what is wrong with them. Values may hold any bytes; keys are text. */
export function readPaxRecords(content: Buffer): Map<string, Buffer> | { fault: string; at: number } {
  const records = new Map<string, Buffer>()
  let at = 0
  while (at < content.length) {
    const blank = content.indexOf(0x20, at)
    const digits = content.toString('latin1', at, blank)
    const end = at + (/^[1-9]\d{0,8}$/.test(digits) ? Number(digits) : Number.NaN)
    const equals = content.indexOf(0x3d, blank)
    // Nothing lies at the end of a record without a length, nor beyond the header's.
    if (content[end - 1] !== 0x0a || equals === -1 || equals >= end) {
      return { fault: 'a record of it is not "<length> <key>=<value>"', at }
    }
    records.set(content.toString('utf8', blank + 1, equals), content.subarray(equals + 1, end - 1))
    at = end
  }
  return records
}

/** A guest's configuration file as VMware writes it: `key = "value"` lines. Pure. */

/** What belongs to the place and the moment that the guest was in, and not to the guest. */
const OF_THE_MOMENT =
  /^(sched\.swap\.derivedName|migrate\.|checkpoint\.vmState|snapshot\.|vmxstats\.filename|uuid\.action$|vc\.uuid\.saved)/i
const LINE = /^\s*([A-Za-z0-9._:-]+)\s*=\s*"(.*)"\s*$/

/**
 * The form that a restored guest starts from: its disks are those that were archived, and nothing in it points at what
 * was running then.
 * @param descriptors by the disk's place, as `scsi0:0`: the name of its descriptor beside the file
 */
export function restoredForm(vmx: string, descriptors: ReadonlyMap<string, string>): string {
  const lines = vmx
    .split(/\r?\n/)
    .filter((line) => !OF_THE_MOMENT.test(LINE.exec(line)?.[1] ?? ''))
    .map((line) => withOwnDisk(line, descriptors))
    .filter((line) => line.trim() !== '')
  // Without it, the first start asks whether the guest was moved or copied, and waits for an answer.
  return [...lines, 'uuid.action = "keep"', ''].join('\n')
}

function withOwnDisk(line: string, descriptors: ReadonlyMap<string, string>): string {
  const [, key = ''] = LINE.exec(line) ?? []
  const [, slot = ''] = /^((?:scsi|sata|ide|nvme)\d+:\d+)\.fileName$/i.exec(key) ?? []
  const descriptor = descriptors.get(slot.toLowerCase())
  return descriptor === undefined ? line : `${key} = "${escaped(descriptor)}"`
}

export interface RestoredAs {
  name: string
  /** With an identity of its own: the platform gives it another uuid and other hardware addresses. */
  unique: boolean
  /** The restore's own. */
  token: string
  /** Places of disks that the archive doesn't hold, as `scsi0:1`. */
  withoutDisks: readonly string[]
}

/** Hardware addresses, and the uuids that follow a guest. */
const OF_ITS_OWN =
  /^(ethernet\d+\.(generatedAddress|generatedAddressOffset|address)|uuid\.bios|uuid\.location|vc\.uuid)$/i

/**
 * The archived restored form as this restore has it: with its mark and its name, unplugged from every network. What
 * tracked changes of disks is gone with the files that it was kept in.
 */
export function asRestored(vmx: string, { name, unique, token, withoutDisks }: RestoredAs): string {
  const own = new Map([
    ['displayname', `displayName = "${escaped(name)}"`],
    ['uuid.action', `uuid.action = "${unique ? 'create' : 'keep'}"`],
    ['guestlift.restore', `guestlift.restore = "${token}"`],
  ])
  const lines: string[] = []
  for (const line of vmx.split(/\r?\n/)) {
    const [, key = ''] = LINE.exec(line) ?? []
    const [, card = ''] = /^(ethernet\d+)\.present$/i.exec(key) ?? []
    const [, slot = ''] = /^((?:scsi|sata|ide|nvme)\d+:\d+)\./i.exec(key) ?? []
    if (line.trim() === '' || own.has(key.toLowerCase()) || /^ethernet\d+\.startConnected$/i.test(key)) continue
    if (/(^|\.)ctkEnabled$/i.test(key) || withoutDisks.includes(slot.toLowerCase())) continue
    if (unique && OF_ITS_OWN.test(key)) continue
    lines.push(
      unique && /^ethernet\d+\.addressType$/i.test(key) ? `${key} = "generated"` : line,
      ...(card === '' ? [] : [`${card}.startConnected = "FALSE"`]),
    )
  }
  return [...lines, ...own.values(), ''].join('\n')
}

/** A descriptor without the file that tracked changes, which isn't archived: with it, the disk could not be opened. */
export function withoutTracking(descriptor: string): string {
  return descriptor.replaceAll(/^changeTrackPath=.*\r?\n/gm, '')
}

/** `|22` is a quote (seen in files that ESXi wrote). */
function escaped(value: string): string {
  return value.replaceAll('|', '|7C').replaceAll('"', '|22')
}

/** A disk's descriptor whose only file is `<name>-flat.vmdk`. */
export function descriptorFor(text: string, name: string): string {
  return text.replace(/^(RW \d+ VMFS(?:SPARSE|RAW)?) ".*"$/m, `$1 "${name}-flat.vmdk"`)
}

/** The bytes that a descriptor says its disk has; `undefined` where it is none of one flat file. */
export function flatBytesIn(descriptor: string): number | undefined {
  const extents = [...descriptor.matchAll(/^RW (\d+) (\w+) ".*"$/gm)]
  const [extent] = extents
  return extents.length === 1 && extent?.[2] === 'VMFS' ? Number(extent[1]) * 512 : undefined
}

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

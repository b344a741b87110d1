/** Values of a guest's configuration that consist of parts. The order of the parts says nothing. */

const ADDRESS = /^[\da-f]{2}(?::[\da-f]{2}){5}$/i

/**
 * A property's parts by name, as of `store:vm-100-disk-0,size=32G,backup=0` or `1,fstrim_cloned_disks=1`.
 * @param first what the first part is called, which may go without its name
 */
export function readOptions(text: string, first: string): Map<string, string> {
  return new Map(
    text.split(',').map((part, index): [string, string] => {
      const at = part.indexOf('=')
      // A path in front may hold an equals sign, too.
      if (index === 0 && !/^[a-z][\w-]*=/.test(part)) return [first, part]
      return at < 0 ? [part, ''] : [part.slice(0, at), part.slice(at + 1)]
    }),
  )
}

/** Perl's configuration parser takes all of these for booleans. */
export function isOn(value: string): boolean {
  return /^(?:1|on|yes|true)$/i.test(value)
}

/**
 * An interface's parts. A VM's card and its hardware address are written as one, `virtio=BC:24:…`, or as `model` and
 * `macaddr`; a container's address is `hwaddr`. Here they are `model` and `address`.
 */
export function interfaceParts(value: string): Map<string, string> {
  const parts = new Map<string, string>()
  for (const [name, part] of readOptions(value, 'model')) {
    if (name === 'hwaddr' || name === 'macaddr') parts.set('address', part.toLowerCase())
    else if (ADDRESS.test(part)) {
      parts.set('model', name)
      parts.set('address', part.toLowerCase())
    } else parts.set(name, part)
  }
  return parts
}

const UNITS: Readonly<Record<string, number>> = { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4 }

/** `32G`, `528K`, `1.5T`, or bytes. A file system without a limit of its own has size 0, which tells nothing. */
export function parseSize(text: string | undefined): number | undefined {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)([KMGT]?)$/.exec(text ?? '') ?? []
  const bytes = Math.round(Number(number) * (UNITS[unit] ?? Number.NaN))
  return bytes > 0 && Number.isSafeInteger(bytes) ? bytes : undefined
}

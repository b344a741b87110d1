/** Values of a configuration that consist of parts, as `store:disk,size=32G,backup=0`. The order of the parts says nothing. */

const ADDRESS = /^[\da-f]{2}(?::[\da-f]{2}){5}$/i

/** By name. What goes without a name in front is called `first`. */
export function partsOf(value: string, first: string): Map<string, string> {
  return new Map(
    value.split(',').map((part, index): [string, string] => {
      const at = part.indexOf('=')
      if (at < 0) return index === 0 ? [first, part] : [part, '']
      return [part.slice(0, at), part.slice(at + 1)]
    }),
  )
}

/**
 * An interface's parts. A VM's card and its hardware address are written as one, `virtio=BC:24:…`, or as `model` and
 * `macaddr`; a container's address is `hwaddr`. Here they are `model` and `address`.
 */
export function interfaceParts(value: string): Map<string, string> {
  const parts = new Map<string, string>()
  for (const [name, part] of partsOf(value, 'model')) {
    if (name === 'hwaddr' || name === 'macaddr') parts.set('address', part.toLowerCase())
    else if (ADDRESS.test(part)) {
      parts.set('model', name)
      parts.set('address', part.toLowerCase())
    } else parts.set(name, part)
  }
  return parts
}

const UNITS: Readonly<Record<string, number>> = { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4 }

/** `32G` in bytes; `undefined` for none, and for 0, which stands for "no limit". */
export function sizeInBytes(text: string | undefined): number | undefined {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)([KMGT]?)$/.exec(text ?? '') ?? []
  const bytes = Math.round(Number(number) * (UNITS[unit] ?? Number.NaN))
  return bytes > 0 && Number.isSafeInteger(bytes) ? bytes : undefined
}

/** Whether a restored disk is the archived one, by its line in the configuration. What is in it is proved elsewhere. */
import type { GuestKind } from '../../contracts/nouns.ts'
import type { Judgement } from './judgement.ts'
import { isOn, parseSize, readOptions } from './property-parts.ts'

/** Parts that a restore writes anew, or that concern backups alone. */
const OWN = new Set(['file', 'size', 'format', 'backup'])

/** `undefined`: the same. */
export function judgeDisk(key: string, was: string | undefined, is: string | undefined, kind: GuestKind): Judgement {
  if (was === undefined) return { difference: 'The restored guest has this disk, and the archive does not.' }
  const [before, after] = [normalised(was), is === undefined ? undefined : normalised(is)]
  const left = leftOut(key, before, kind)
  if (after === undefined) {
    return left ? { expected: 'No backup holds this disk.' } : { difference: 'The restored guest lacks this disk.' }
  }
  const others = new Set([...before.keys(), ...after.keys()].filter((name) => !OWN.has(name)))
  const changed = [...others].filter((name) => before.get(name) !== after.get(name))
  if (changed.length > 0) return { difference: `Of its options, ${changed.join(', ')} changed.` }
  if (isEmptyDrive(before) !== isEmptyDrive(after)) return { difference: 'What the drive holds changed.' }
  const [wasBytes, isBytes] = [parseSize(before.get('size')), parseSize(after.get('size'))]
  if (wasBytes !== undefined && isBytes !== undefined && isBytes < wasBytes) {
    return { difference: 'The restored disk is smaller than the archived one.' }
  }
  if (wasBytes !== undefined && isBytes === undefined && kind === 'vm') {
    return { difference: "The restored disk's size isn't known." }
  }
  if (left && kind === 'container') return { expected: 'No backup holds what was in this mount point: it is empty.' }
  return before.get('file') === after.get('file') && wasBytes === isBytes
    ? undefined
    : { expected: 'A restore makes a volume of its own.' }
}

function normalised(line: string): Map<string, string> {
  const parts = readOptions(line, 'file')
  const volume = parts.get('volume')
  if (volume !== undefined && !parts.has('file')) parts.set('file', volume)
  parts.delete('volume')
  return parts
}

function isEmptyDrive(parts: ReadonlyMap<string, string>): boolean {
  return parts.get('file') === 'none' || parts.get('file') === 'cdrom'
}

function leftOut(key: string, parts: ReadonlyMap<string, string>, kind: GuestKind): boolean {
  if (kind === 'container') return key !== 'rootfs' && !isOn(parts.get('backup') ?? '0')
  return parts.get('media') !== 'cdrom' && !isOn(parts.get('backup') ?? '1')
}

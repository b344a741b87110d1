/**
 * Holds a restored guest's configuration against the one in its archive, key by key. A restore makes some things anew;
 * whatever else differs is a difference that somebody has to look at.
 */
import type { ConfigurationChange, ConfigurationComparison } from '../../contracts/restore.ts'
import { type ConfigurationValues, valuesIn } from '../../domain/identity/embedded-identity.ts'
import { descriptionIn, withoutRestoreNote } from './archived-description.ts'
import { judgeDisk } from './compare-disk.ts'
import { judgeInterface } from './compare-interface.ts'
import { isDiskKey } from './guest-disks.ts'
import type { RestoredHow } from '../capabilities/restores.ts'
import type { Judgement } from './judgement.ts'
import { readOptions } from './property-parts.ts'

/** The platform's own, of the moment. */
const PASSING = /^(?:lock|digest|parent|snaptime|vmstate|running(?:machine|cpu|cpus|nets-host-mtu))$/
/** Only root restores them, and the platform shows them otherwise than all else. */
const RAW_OPTION: Judgement = { expected: 'Whether this option came back was not compared: only root restores it.' }

/** @param archived the configuration as text @param made as the platform shows it, all values as text */
export function compareConfiguration(
  archived: string,
  made: ConfigurationValues,
  how: RestoredHow,
): ConfigurationComparison {
  const { description: _prose, ...before } = valuesIn(archived)
  const { description, ...after } = made
  const result: ConfigurationComparison = { expected: [], differences: [] }
  const note = (key: string, was: string | undefined, is: string | undefined, judged: Judgement): void => {
    if (judged === undefined) return
    const change: ConfigurationChange = {
      key,
      ...(was === undefined ? {} : { archived: was }),
      ...(is === undefined ? {} : { made: is }),
      why: 'expected' in judged ? judged.expected : judged.difference,
    }
    result['expected' in judged ? 'expected' : 'differences'].push(change)
  }
  const wrote = withoutRestoreNote(descriptionIn(archived))
  const says = withoutRestoreNote(description ?? '')
  note('description', wrote, says, judgeDescription(wrote, says, how))
  const raw = [...(archived.split(/^\[/m)[0] ?? '').matchAll(/^(lxc\.[\w.]+)[:=][ \t]*(.*)$/gm)]
  for (const [, key = '', value = ''] of raw) note(key, value, undefined, RAW_OPTION)
  for (const key of [...new Set([...Object.keys(before), ...Object.keys(after)])].toSorted()) {
    if (!PASSING.test(key)) note(key, before[key], after[key], judge(key, before[key], after[key], how))
  }
  return result
}

/** A disk that no backup held is kept as a comment, which the platform shows as part of the description. */
function judgeDescription(wrote: string, says: string, { rehearsal }: RestoredHow): Judgement {
  if (wrote === says) return undefined
  if (rehearsal === true && says === '') return { expected: 'The description was too long to bear the mark as well.' }
  const kept = wrote.split('\n').every((line) => says.includes(line))
  return kept
    ? { expected: 'The restore adds to the description.' }
    : { difference: "The description isn't the archived one." }
}

function judge(key: string, was: string | undefined, is: string | undefined, how: RestoredHow): Judgement {
  if (isDiskKey(how.kind, key)) {
    const judged = judgeDisk(key, was, is, how.kind)
    const emptied = how.imported === true && is !== undefined && isEmptyCdDrive(is)
    return judged !== undefined && emptied ? { expected: 'An import leaves drives for CDs empty.' } : judged
  }
  if (/^unused\d+$/.test(key)) return { expected: 'Unused disks are in no archive.' }
  if (was === is) return undefined
  if (/^net\d+$/.test(key) && was !== undefined && is !== undefined) return judgeInterface(was, is, how)
  if (key === (how.kind === 'vm' ? 'name' : 'hostname') && is !== undefined && is === how.name) {
    return { expected: 'The guest was given this name.' }
  }
  if (how.rehearsal === true && (key === 'onboot' || key === 'protection') && is === '0') {
    return { expected: 'A rehearsed guest is neither protected nor started with its node.' }
  }
  if (key === 'template' && was === undefined && is === '1' && how.template === true) {
    return { expected: 'A template was made of the guest.' }
  }
  if (key === 'vmgenid' && is !== undefined) return { expected: 'Each restore makes a generation id.' }
  if (key === 'meta' && is !== undefined) return { expected: 'The platform notes how the guest was made.' }
  if (key === 'cipassword' && was !== undefined && is !== undefined) {
    return { expected: 'Passwords are shown by neither side, so this one was not compared.' }
  }
  if (key === 'smbios1' && was !== undefined && is !== undefined && sameButUuid(was, is) && how.unique === true) {
    return { expected: 'The guest was given a uuid of its own.' }
  }
  if (is === undefined) return { difference: 'The archive has it, and the restored guest does not.' }
  if (was === undefined) return { difference: 'The restored guest has it, and the archive does not.' }
  return { difference: 'The value is another one.' }
}

function isEmptyCdDrive(drive: string): boolean {
  const parts = readOptions(drive, 'file')
  return parts.get('file') === 'none' && parts.get('media') === 'cdrom'
}

function sameButUuid(was: string, is: string): boolean {
  const rest = (value: string) =>
    [...readOptions(value, 'uuid')]
      .filter(([name]) => name !== 'uuid')
      .map((part) => part.join('='))
      .toSorted()
      .join(';')
  return rest(was) === rest(is)
}

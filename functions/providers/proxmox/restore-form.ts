/** The call that makes a guest of an archive. */
import { descriptionIn, withRestoreNote } from './archived-description.ts'
import { valuesIn } from '../../domain/identity/embedded-identity.ts'
import type { IntendedRestore } from '../capabilities/restores.ts'
import type { Form } from './answers.ts'

/** The platform takes so much of a description (qemu-server 9.2.6, pve-container 6.1.10). */
const LONGEST_DESCRIPTION = 8 * 1024

export function restoreForm(intended: IntendedRestore, artifactRef: string, token: string): Form {
  const { archive, target } = intended
  const { id, storage, pool, replace, unique, name, start, limitKiBPerSecond } = target
  const isVm = archive.guest.kind === 'vm'
  return {
    vmid: id,
    ...(isVm ? { archive: artifactRef } : { ostemplate: artifactRef, restore: '1' }),
    ...(storage === undefined ? {} : { storage }),
    ...(pool === undefined ? {} : { pool }),
    ...(limitKiBPerSecond === undefined ? {} : { bwlimit: String(limitKiBPerSecond) }),
    ...(replace === true ? { force: '1' } : {}),
    ...(unique === true ? { unique: '1' } : {}),
    ...(start === true ? { start: '1' } : {}),
    ...rehearsed(target),
    ...(name === undefined ? {} : { [isVm ? 'name' : 'hostname']: name }),
    ...described(intended, token),
    ...movedInterfaces(intended),
  }
}

/** What a guest is without that is looked at and removed. */
export function rehearsed({ rehearsal }: IntendedRestore['target']): Form {
  return rehearsal === undefined ? {} : { onboot: '0', protection: '0' }
}

function described(intended: IntendedRestore, token: string): Form {
  const description = noteOf(intended, token)
  return description === undefined ? {} : { description }
}

/**
 * The archived description with a note of where the guest came from. Never at the cost of what people wrote: then the guest
 * stays unmarked, and there is none.
 */
export function noteOf({ archive, target }: IntendedRestore, token: string): string | undefined {
  if (archive.configuration === undefined) return undefined
  const note = { origin: archive.origin, token, replaced: target.replace === true }
  const text = withRestoreNote(descriptionIn(archive.configuration), note)
  if (text.length <= LONGEST_DESCRIPTION) return text
  // What is removed again has to bear its mark, and nobody will read the rest.
  return target.rehearsal === undefined ? undefined : withRestoreNote('', note)
}

/** Interfaces on bridges that get another name here. One of a guest that is to be unique is given no address. */
export function movedInterfaces({ archive, target }: IntendedRestore): Form {
  const { bridges = {}, unique = false } = target
  const values = valuesIn(archive.configuration ?? '')
  return Object.fromEntries(
    Object.entries(values).flatMap(([key, value]) => {
      const bridge = /^net\d+$/.test(key) ? /(?:^|,)bridge=([^,]+)/.exec(value)?.[1] : undefined
      const other = bridge === undefined ? undefined : bridges[bridge]
      if (other === undefined) return []
      const moved = value.replace(/(^|,)bridge=[^,]+/, `$1bridge=${other}`)
      return [[key, unique ? withoutAddress(moved) : moved]]
    }),
  )
}

export function withoutAddress(value: string): string {
  return value
    .split(',')
    .filter((part) => !/^(?:hwaddr|macaddr)=/.test(part))
    .map((part) => part.replace(/^(\w[\w-]*)=[\da-f]{2}(?::[\da-f]{2}){5}$/i, '$1'))
    .join(',')
}

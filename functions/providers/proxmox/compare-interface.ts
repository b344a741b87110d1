/** Whether a restored network interface is the archived one, but for what was asked for. */
import type { RestoredHow } from '../capabilities/restores.ts'
import type { Judgement } from './judgement.ts'
import { interfaceParts } from './property-parts.ts'

/** `undefined`: the same. */
export function judgeInterface(was: string, is: string, how: RestoredHow): Judgement {
  const [before, after] = [interfaceParts(was), interfaceParts(is)]
  const reasons: string[] = []
  const names = new Set([...before.keys(), ...after.keys()])
  for (const name of [...names].toSorted()) {
    const [one, other] = [before.get(name), after.get(name)]
    if (one === other) continue
    const reason = reasonFor(name, one, other, how)
    if (reason === undefined) return { difference: `Of the interface, ${name} changed.` }
    reasons.push(reason)
  }
  return reasons.length === 0 ? undefined : { expected: reasons.join(' ') }
}

function reasonFor(
  name: string,
  was: string | undefined,
  is: string | undefined,
  { unique, bridges, disconnected }: RestoredHow,
): string | undefined {
  if (name === 'address' && is !== undefined && (unique === true || was === undefined)) {
    return 'It has a hardware address of its own.'
  }
  if (name === 'bridge' && is !== undefined && was !== undefined && bridges?.[was] === is) {
    return `It is on bridge ${is} in place of ${was}, as asked for.`
  }
  if (name === 'link_down' && is === '1' && disconnected === true) return 'It is unplugged, as asked for.'
  return undefined
}

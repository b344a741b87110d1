/** Of guests that pass by one after the other, each cause of trouble is told once, and at the end how many shared it. */
import { counted } from '../../../functions/domain/words/counted.ts'
import { bareCause, someOf } from '../../../functions/domain/words/same-cause.ts'
import type { SiteEnd } from '../../../functions/operations/pruning/prune-site.ts'

/** Guests that couldn't be looked at for a cause that was told of another one, by that cause. */
export type Troubles = Map<string, { first: string; alike: string[] }>

/** Whether this cause was told before. One that wasn't is from now on. */
export function isKnownTrouble({ guest, result }: SiteEnd, troubles: Troubles): boolean {
  if (!('trouble' in result)) return false
  const name = `${guest.kind} ${guest.id}`
  const cause = bareCause({ cause: result.trouble, own: [guest.id, guest.kind] })
  const before = troubles.get(cause)
  if (before === undefined) troubles.set(cause, { first: name, alike: [] })
  else before.alike.push(name)
  return before !== undefined
}

export function alikeLines(troubles: Troubles): string[] {
  return [...troubles.values()]
    .filter(({ alike }) => alike.length > 0)
    .map(({ first, alike }) => `As for ${first}: ${counted(alike.length, 'more guest')} (${someOf(alike)}).`)
}

/** One call of a method, ready to be carried out. */
import type { Value } from '../wire/values.ts'
import type { Element } from '../wire/xml.ts'
import { objectNotFound } from '../wire/faults.ts'
import { ref } from '../wire/values.ts'
import { entryOf, type Entry, type Guest, type Session, type User, type World } from '../world/world.ts'

export interface Call {
  world: World
  method: string
  /** What the method is called on. */
  target: { type: string; id: string }
  input: Element
  /** Nothing where the method needs none and there is none. */
  session: Session | undefined
  userAgent: string
  /** Of the API, as the client speaks it. */
  version: string
  /** What the answer's cookie becomes. */
  cookie?: string
}

export interface Method {
  /** Types of what it is called on. */
  on: readonly string[]
  /** The schema of its parameters, as in `shapes.ts`. */
  parameters: string
  /** Needed on the target, where that is part of the inventory. */
  privilege?: string
  /** May be called without a session. */
  open?: true
  run(call: Call): Value | undefined
}

/** @throws VimFault ManagedObjectNotFound */
export function entryNamed<T extends Entry['type']>(
  call: Call,
  type: T,
  name: string,
): Extract<Entry, { type: T }> | undefined {
  const id = call.input.idOf(name)
  if (id === undefined) return undefined
  const entry = entryOf(call.world, type, id)
  if (entry === undefined) throw objectNotFound(ref(type, id))
  return entry
}

/** @throws VimFault ManagedObjectNotFound */
export function guestOf({ world, target }: Call): Guest {
  const guest = entryOf(world, 'VirtualMachine', target.id)
  if (guest === undefined) throw objectNotFound(ref(target.type, target.id))
  return guest
}

export function userOf({ session }: Call): User {
  if (session === undefined) throw new Error('The lab let a call without a session through.')
  return session.user
}

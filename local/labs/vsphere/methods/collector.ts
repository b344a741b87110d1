/** RetrievePropertiesEx and its pages; container views. */
import {
  invalidArgument,
  invalidProperty,
  invalidRequest,
  localized,
  noPermission,
  notAuthenticated,
  objectNotFound,
  type VimFault,
} from '../wire/faults.ts'
import { elementOf, anyElement, list, ref, string, structure, type Value } from '../wire/values.ts'
import type { Element } from '../wire/xml.ts'
import { findObject, type Found, isA } from '../properties/objects.ts'
import { valueAt } from '../properties/paths.ts'
import { privilegesOn } from '../world/rights.ts'
import { stepTasksOf } from '../world/tasks.ts'
import { entryOf } from '../world/world.ts'
import type { Call, Method } from './call.ts'

type Target = { type: string; id: string }

const refIn = (element: Element): Target => ({ type: element.attributes['type'] ?? '', id: element.text })

function found(call: Call, { type, id }: Target): Found {
  const object = findObject(call.world, call.session, type, id)
  if (object === undefined) throw objectNotFound(ref(type, id))
  return object
}

/** Selections by their names, so that one may name another. */
function namedSelections(spec: Element, into = new Map<string, Element>()): Map<string, Element> {
  for (const set of spec.all('selectSet')) {
    const name = set.textOf('name')
    if (name !== undefined && set.declaredType === 'TraversalSpec') into.set(name, set)
    namedSelections(set, into)
  }
  return into
}

/** Objects that a specification means, each once, in the order in which they are met. */
function selected(call: Call, spec: Element): Found[] {
  const named = namedSelections(spec)
  const met = new Map<string, { object: Found; shown: boolean }>()
  const visit = (object: Found, selections: readonly Element[], skip: boolean): void => {
    const there = met.get(object.id)
    if (there === undefined) met.set(object.id, { object, shown: !skip })
    else there.shown ||= !skip
    if (there !== undefined) return
    for (const given of selections) {
      const selection = given.declaredType === 'TraversalSpec' ? given : named.get(given.textOf('name') ?? '')
      if (selection === undefined) throw invalidArgument('selectSet')
      if (!isA(object.type, selection.textOf('type') ?? '')) continue
      const at = valueAt(object.properties, selection.textOf('path') ?? '', object.type)
      if (!at.known) throw invalidRequest(`The path "${selection.textOf('path')}" is not a property of ${object.type}`)
      const items = at.value === undefined ? [] : at.value.kind === 'list' ? at.value.items : [at.value]
      for (const item of items) {
        if (item.kind !== 'reference') throw invalidArgument('path')
        const next = findObject(call.world, call.session, item.type, item.id)
        if (next !== undefined) visit(next, selection.all('selectSet'), selection.flagOf('skip') ?? false)
      }
    }
  }
  const start = spec.child('obj')
  if (start === undefined) throw invalidArgument('obj')
  visit(found(call, refIn(start)), spec.all('selectSet'), spec.flagOf('skip') ?? false)
  return [...met.values()].filter(({ shown }) => shown).map(({ object }) => object)
}

/** Why a user can't see a property; nothing where it can. */
function refusal(call: Call, object: Found, path: string): VimFault | undefined {
  const { world, session } = call
  const self = ref(object.type, object.id)
  // Whoever has no session may see what the server says about itself.
  if (session === undefined)
    return object.type === 'ServiceInstance' ? undefined : notAuthenticated(self, 'System.Read')
  const entry = object.ownerId === undefined ? undefined : world.entries.get(object.ownerId)
  if (entry === undefined) return undefined
  const needed = path === 'name' || path === 'parent' ? 'System.View' : 'System.Read'
  return privilegesOn(world, session.user, entry).includes(needed) ? undefined : noPermission(self, needed)
}

interface Wanted {
  type: string
  all: boolean
  paths: readonly string[]
}

function objectContent(call: Call, object: Found, wanted: readonly Wanted[]): string {
  const mine = wanted.filter(({ type }) => isA(object.type, type))
  const paths = new Set(mine.flatMap(({ all, paths }) => (all ? Object.keys(object.properties) : paths)))
  const [values, missing]: [string[], string[]] = [[], []]
  const guest = object.type === 'VirtualMachine' ? entryOf(call.world, 'VirtualMachine', object.id) : undefined
  if (guest !== undefined && call.session !== undefined) stepTasksOf(call.world, guest)
  for (const path of paths) {
    const at = valueAt(object.properties, path, object.type)
    const fault = at.known ? refusal(call, object, path) : invalidProperty(path)
    if (fault !== undefined) {
      missing.push(
        elementOf('missingSet', structure('MissingProperty', { path: string(path), fault: localized(fault) })),
      )
    } else if (at.known && at.value !== undefined)
      values.push(`<propSet><name>${path}</name>${anyElement('val', at.value)}</propSet>`)
  }
  const self = elementOf('obj', ref(object.type, object.id))
  return `<objects>${self}${values.join('')}${missing.join('')}</objects>`
}

function page(call: Call, contents: readonly string[], most: number): Value {
  const now = contents.slice(0, most)
  const later = contents.slice(most)
  let token = ''
  if (later.length > 0 && call.session !== undefined) {
    const id = call.world.uuid()
    call.session.tokens.set(id, { left: later, most })
    token = `<token>${id}</token>`
  }
  return { kind: 'raw', xml: `${token}${now.join('')}` }
}

function mostOf(call: Call, given: string | undefined): number {
  const asked = given === undefined ? Number.POSITIVE_INFINITY : Number(given)
  if (asked <= 0) throw invalidArgument('options.maxObjects')
  return Math.min(asked, call.world.settings.mostObjects)
}

function contentsFor(call: Call): string[] {
  return call.input.all('specSet').flatMap((filter) => {
    const wanted = filter.all('propSet').map(
      (set): Wanted => ({
        type: set.textOf('type') ?? '',
        all: set.flagOf('all') ?? false,
        paths: set.all('pathSet').map(({ text }) => text),
      }),
    )
    const objects = filter.all('objectSet').flatMap((spec) => selected(call, spec))
    return objects
      .filter(({ type }) => wanted.some((each) => isA(type, each.type)))
      .map((object) => objectContent(call, object, wanted))
  })
}

export const RetrievePropertiesEx: Method = {
  on: ['PropertyCollector'],
  parameters: 'specSet:PropertyFilterSpec+ options:RetrieveOptions',
  open: true,
  run: (call) => {
    const contents = contentsFor(call)
    if (contents.length === 0) return undefined
    return page(call, contents, mostOf(call, call.input.child('options')?.textOf('maxObjects')))
  },
}

/** The older form, all at once. */
export const RetrieveProperties: Method = {
  on: ['PropertyCollector'],
  parameters: 'specSet:PropertyFilterSpec+',
  open: true,
  run: (call) =>
    list(
      'ObjectContent',
      contentsFor(call).map(
        (xml): Value => ({ kind: 'raw', xml: xml.slice('<objects>'.length, -'</objects>'.length) }),
      ),
    ),
}

export const ContinueRetrievePropertiesEx: Method = {
  on: ['PropertyCollector'],
  parameters: 'token:string',
  run: (call) => {
    const token = call.input.textOf('token') ?? ''
    const { left: rest, most } = call.session?.tokens.get(token) ?? { left: undefined, most: 1 }
    if (rest === undefined) throw invalidProperty('token')
    call.session?.tokens.delete(token)
    return page(call, rest, most)
  },
}

export const CreateContainerView: Method = {
  on: ['ViewManager'],
  parameters: 'container:@ManagedEntity type:string* recursive:boolean',
  run: (call) => {
    const { session, world, input } = call
    const container = input.child('container')
    const target = container === undefined ? { type: '', id: '' } : refIn(container)
    if (world.entries.get(target.id)?.type !== target.type) throw objectNotFound(ref(target.type, target.id))
    const id = `session[${session?.key}]${world.uuid()}`
    session?.views.set(id, {
      id,
      container: target.id,
      types: input.all('type').map(({ text }) => text),
      recursive: input.flagOf('recursive') ?? false,
    })
    return ref('ContainerView', id)
  },
}

export const DestroyView: Method = {
  on: ['ContainerView'],
  parameters: '',
  run: (call) => {
    call.session?.views.delete(call.target.id)
    return undefined
  },
}

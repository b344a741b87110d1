/** Reading properties of managed objects, with the faults that hide inside a good answer. */
import type { ServiceContent, VimSession } from './vim-session.ts'
import { isGone, isSessionOver, localizedFault, VimFault } from './vim-fault.ts'
import { type Argument, childOf, childrenOf, type Ref, refOf, textOf, type Xml } from './xml.ts'

/** An object with those of its properties that are set. One that isn't set is absent: no snapshots, no annotation. */
export interface ObjectContent {
  ref: Ref
  properties: ReadonlyMap<string, Xml>
  /** Properties that couldn't be read, with the reason. */
  missing: ReadonlyMap<string, VimFault>
}

/** More at a time makes answers of megabytes. */
const PAGE_OBJECTS = 500
/** A list without an end is none of vSphere. */
const MOST_PAGES = 10_000

/** All objects of a type below the root folder. @throws VimFault, facts of ours */
export async function listObjects(
  session: VimSession,
  type: string,
  paths: readonly string[],
): Promise<ObjectContent[]> {
  return withLiveSession(session, async (content) => {
    const view = await makeView(session, content, type)
    try {
      return await retrieve(session, content, type, paths, [
        ['obj', view],
        ['skip', true],
        ['selectSet', VIEWED, 'TraversalSpec'],
      ])
    } finally {
      // It ends with the session at the latest.
      await session.read({ method: 'DestroyView', on: view }).catch(() => undefined)
    }
  })
}

const VIEWED: readonly Argument[] = [
  ['name', 'view'],
  ['type', 'ContainerView'],
  ['path', 'view'],
  ['skip', false],
]

async function makeView(session: VimSession, content: ServiceContent, type: string): Promise<Ref> {
  const args: Argument[] = [
    ['container', content.ref('rootFolder')],
    ['type', type],
    ['recursive', true],
  ]
  const made = await session.read({ method: 'CreateContainerView', on: content.ref('viewManager'), args })
  const view = refOf(childOf(made, 'returnval'))
  if (view === undefined) throw new VimFault('', 'CreateContainerView gave no view', made)
  return view
}

/** Properties of one object. @throws VimFault, of a property that couldn't be read, too */
export async function readObject(
  session: VimSession,
  ref: Ref,
  paths: readonly string[],
): Promise<ReadonlyMap<string, Xml>> {
  const [object] = await withLiveSession(session, (content) =>
    retrieve(session, content, ref.type, paths, [
      ['obj', ref],
      ['skip', false],
    ]),
  )
  if (object === undefined) throw new VimFault('', `the server says nothing of ${ref.type} ${ref.id}`, '')
  const [fault] = object.missing.values()
  if (fault !== undefined) throw fault
  return object.properties
}

/**
 * After a session has ended, every object comes back with nothing but faults and HTTP 200, and a view is unknown: then
 * all of it is asked once more in a new session.
 */
async function withLiveSession(
  session: VimSession,
  ask: (content: ServiceContent) => Promise<ObjectContent[]>,
): Promise<ObjectContent[]> {
  const content = await session.content()
  const cookie = await session.cookie()
  try {
    const objects = await ask(content)
    if (!objects.some(({ missing }) => [...missing.values()].some(isSessionOver))) return objects
  } catch (error) {
    if (!(error instanceof VimFault) || !isGone(error) || !ofSession(error)) throw error
  }
  await session.forget(cookie)
  return ask(content)
}

/** A view or a collector's token: they belong to a session and go with it. */
function ofSession(error: VimFault): boolean {
  const gone = refOf(childOf(error.detail, 'obj'))
  return gone?.type === 'ContainerView' || gone?.type === 'PropertyCollector'
}

async function retrieve(
  session: VimSession,
  content: ServiceContent,
  type: string,
  paths: readonly string[],
  objectSet: readonly Argument[],
): Promise<ObjectContent[]> {
  const collector = content.ref('propertyCollector')
  const propSet: Argument[] = [['type', type], ...paths.map((path): Argument => ['pathSet', path])]
  const specSet: Argument[] = [
    ['propSet', propSet],
    ['objectSet', objectSet],
  ]
  const args: Argument[] = [
    ['specSet', specSet],
    ['options', [['maxObjects', PAGE_OBJECTS]]],
  ]
  const objects: ObjectContent[] = []
  let page = await session.read({ method: 'RetrievePropertiesEx', on: collector, args })
  for (let pages = 0; pages < MOST_PAGES; pages += 1) {
    const result = childOf(page, 'returnval')
    objects.push(...childrenOf(result, 'objects').map(objectContent))
    const token = textOf(childOf(result, 'token'))
    if (token === '') return objects
    page = await session.read({ method: 'ContinueRetrievePropertiesEx', on: collector, args: [['token', token]] })
  }
  throw new VimFault('', 'the list of objects has no end', '')
}

function objectContent(xml: Xml): ObjectContent {
  const ref = refOf(childOf(xml, 'obj'))
  if (ref === undefined) throw new VimFault('', 'an object without a reference', xml)
  const properties = new Map<string, Xml>()
  for (const one of childrenOf(xml, 'propSet')) properties.set(textOf(childOf(one, 'name')), childOf(one, 'val') ?? '')
  const missing = new Map<string, VimFault>()
  for (const one of childrenOf(xml, 'missingSet')) {
    missing.set(textOf(childOf(one, 'path')), localizedFault(childOf(one, 'fault')))
  }
  return { ref, properties, missing }
}

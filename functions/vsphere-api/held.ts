/** Whether something of ours still holds a guest's files still. */
import { readObject } from './properties.ts'
import { snapshotTree } from './snapshot-tree.ts'
import type { VimSession } from './vim-session.ts'
import { isGone } from './vim-fault.ts'
import { childOf, type Ref, refOf } from './xml.ts'

/** The virtual machine with an instance UUID; `undefined` where the server knows none. @throws VimFault, facts of ours */
export async function findMachine(session: VimSession, instanceUuid: string): Promise<Ref | undefined> {
  const content = await session.content()
  const found = await session.read({
    method: 'FindByUuid',
    on: content.ref('searchIndex'),
    args: [
      ['uuid', instanceUuid],
      ['vmSearch', true],
      ['instanceUuid', true],
    ],
  })
  return refOf(childOf(found, 'returnval'))
}

/** By the instance UUID of what is read, and the name of the snapshot; without one, the machine itself is enough. */
export async function isStillHeld(
  session: VimSession,
  instanceUuid: string,
  snapshotName: string | undefined,
): Promise<boolean> {
  try {
    const machine = await findMachine(session, instanceUuid)
    if (machine === undefined) return false
    if (snapshotName === undefined) return true
    const tree = snapshotTree((await readObject(session, machine, ['snapshot'])).get('snapshot'))
    return tree.some(({ name }) => name === snapshotName)
  } catch (error) {
    if (isGone(error)) return false
    throw error
  }
}

/** What an account may do. */
import { boolean, list, string, structure, type Value } from '../wire/values.ts'
import { invalidArgument, objectNotFound } from '../wire/faults.ts'
import { ref } from '../wire/values.ts'
import type { Element } from '../wire/xml.ts'
import { refTo } from '../properties/references.ts'
import { privilegesOn } from '../world/rights.ts'
import type { Entry } from '../world/world.ts'
import { liveSessions } from '../world/sessions.ts'
import { type Call, type Method, userOf } from './call.ts'

function entryIn(call: Call, element: Element): Entry {
  const entry = call.world.entries.get(element.text)
  const type = element.attributes['type'] ?? ''
  if (entry?.type !== type) throw objectNotFound(ref(type, element.text))
  return entry
}

export const FetchUserPrivilegeOnEntities: Method = {
  on: ['AuthorizationManager'],
  parameters: 'entities:@ManagedEntity+ userName:string',
  run: (call) => {
    const { world, input } = call
    const name = input.textOf('userName')
    const user =
      [...world.users.values()].find((each) => each.name === name) ??
      (name === userOf(call).name ? userOf(call) : undefined)
    if (user === undefined) throw invalidArgument('userName')
    return list(
      'UserPrivilegeResult',
      input.all('entities').map((element): Value => {
        const entry = entryIn(call, element)
        return structure('UserPrivilegeResult', {
          entity: refTo(entry),
          privileges: list('string', privilegesOn(world, user, entry).map(string)),
        })
      }),
    )
  },
}

export const HasPrivilegeOnEntities: Method = {
  on: ['AuthorizationManager'],
  parameters: 'entity:@ManagedEntity+ sessionId:string privId:string*',
  run: (call) => {
    const { world, input } = call
    const session = liveSessions(world).find(({ key }) => key === input.textOf('sessionId'))
    if (session === undefined) throw invalidArgument('sessionId')
    return list(
      'EntityPrivilege',
      input.all('entity').map((element): Value => {
        const entry = entryIn(call, element)
        const held = privilegesOn(world, session.user, entry)
        return structure('EntityPrivilege', {
          entity: refTo(entry),
          privAvailability: list(
            'PrivilegeAvailability',
            input
              .all('privId')
              .map(({ text }) =>
                structure('PrivilegeAvailability', { privId: string(text), isGranted: boolean(held.includes(text)) }),
              ),
          ),
        })
      }),
    )
  },
}

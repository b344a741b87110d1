/** Which rights of roles something used, and which nothing did. */
import { applies } from './evaluate.ts'
import { judgementText, type Judgement } from './guard.ts'
import type { Role } from './session.ts'

/** One right: an action and a resource as a role's policies name them. */
export interface Right {
  role: string
  action: string
  resource: string
}

/**
 * The rights that no judged request needed, in the order of their names.
 * @param called what a right's resource is called; rights of one role with the same names count as one
 */
export function unusedRights(
  roles: readonly Role[],
  judgements: readonly Judgement[],
  called: (resource: string) => string = (resource) => resource,
): Right[] {
  const used = new Map<string, boolean>()
  for (const role of roles) {
    const requests = [
      ...new Map(
        judgements
          .filter((judgement) => judgement.allowed && judgement.role === role.name)
          .map((judgement) => [
            judgementText(judgement) + JSON.stringify(judgement.request.context),
            judgement.request,
          ]),
      ).values(),
    ]
    for (const statement of role.identity.filter(({ effect }) => effect === 'Allow')) {
      for (const action of statement.actions ?? []) {
        for (const resource of statement.resources ?? []) {
          const right = { ...statement, actions: [action], resources: [resource] }
          const name = JSON.stringify([role.name, action, called(resource)])
          used.set(name, used.get(name) === true || requests.some((request) => applies(right, request)))
        }
      }
    }
  }
  return [...used]
    .filter(([, isUsed]) => !isUsed)
    .map(([name]) => {
      const [role = '', action = '', resource = ''] = JSON.parse(name) as string[]
      return { role, action, resource }
    })
    .toSorted((one, other) => (textOf(one) < textOf(other) ? -1 : 1))
}

const textOf = ({ role, action, resource }: Right): string => `${role} ${action} ${resource}`

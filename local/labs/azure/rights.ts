/** Whether a role allows an action: wildcards, less what `NotActions` takes away. Case doesn't count. */
import type { Role } from './world.ts'

function matches(pattern: string, action: string): boolean {
  const parts = pattern.split('*').map((part) => part.replaceAll(/[.\\^$+?()[\]{}|]/g, String.raw`\$&`))
  return new RegExp(`^${parts.join('.*')}$`, 'i').test(action)
}

/** `scope` lies within one of the role's scopes, or the role names none. */
export function allows(
  { Actions, NotActions = [], AssignableScopes = [] }: Role,
  action: string,
  scope: string,
): boolean {
  const within = AssignableScopes.filter((each) => {
    const [wanted, given] = [scope.toLowerCase(), each.toLowerCase().replace(/\/$/, '')]
    return wanted === given || wanted.startsWith(`${given}/`)
  })
  if (AssignableScopes.length > 0 && within.length === 0) return false
  return Actions.some((pattern) => matches(pattern, action)) && !NotActions.some((pattern) => matches(pattern, action))
}

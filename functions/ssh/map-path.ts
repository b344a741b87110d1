import type { SshLogin } from '../contracts/route.ts'

/** The archive's path as this account sees it. A prefix counts only as whole folders: `/a` is no prefix of `/ab`. */
export function mapPath(path: string, prefix: SshLogin['pathPrefix']): string {
  if (prefix === undefined) return path
  const from = prefix.from.replace(/\/+$/, '')
  if (path !== from && !path.startsWith(`${from}/`)) return path
  const to = prefix.to.replace(/\/+$/, '')
  return `${to}${path.slice(from.length)}` || '/'
}

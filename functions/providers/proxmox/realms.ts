/** Why a login with a password may have been refused: the realms that a site has are told to anyone who asks. */
import { CredentialsRejected } from '../../contracts/errors.ts'
import type { realmRowsSchema } from './schemas.ts'
import type { z } from 'zod'

export type Realms = z.infer<typeof realmRowsSchema>

/**
 * The refusal with what the site's realms tell about it. Proxmox answers the same to a wrong password, an unknown user
 * and an unknown realm, so this is the only clue there is. Realm types: `pam`, `pve`, `ldap`, `ad`, `openid`.
 */
export function explainRefusedLogin(refused: CredentialsRejected, realm: string, realms: Realms): CredentialsRejected {
  const hint = hintFor(realm, realms)
  return hint === undefined ? refused : new CredentialsRejected(`${refused.message} ${hint}`, { cause: refused })
}

function hintFor(realm: string, realms: Realms): string | undefined {
  if (realms.length === 0) return undefined
  const own = realms.find((row) => row.realm === realm)
  if (own === undefined) {
    const names = realms.map((row) => (row.type === row.realm ? row.realm : `${row.realm} (${row.type})`)).join(', ')
    return `The site has no realm "${realm}"; it has: ${names}.`
  }
  switch (own.type) {
    case 'openid':
      return `Realm ${realm} is of type openid, whose users can't log in with a password: use an API token.`
    case 'pam':
      return `Realm ${realm} is kept by the node that is asked: the user must exist there (getent passwd) with this password.`
    case 'ldap':
    case 'ad':
      return `Realm ${realm} is a directory (${own.type}): the node must reach it, and the user must have been synchronised or added under Permissions → Users.`
    default:
      return undefined
  }
}

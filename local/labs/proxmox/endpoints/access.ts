/** /version and /access. */
import { logIn } from '../auth.ts'
import { permissionError } from '../api-error.ts'
import { may, permissionTree, userOf } from '../permissions.ts'
import type { Endpoint } from '../rest.ts'
import type { LabToken, World } from '../world.ts'

const text = { type: 'string' } as const

const tokenRow = (token: LabToken): Record<string, unknown> => ({
  tokenid: token.id,
  privsep: token.privilegesSeparated ? 1 : 0,
  expire: token.expire,
  ...(token.comment === undefined ? {} : { comment: token.comment }),
})

function tokensOf(world: World, who: string, userid: string): LabToken[] {
  if (userOf(who) !== userid && !may(world.site, who, '/access/groups', 'User.Modify')) {
    throw permissionError('/access/groups, User.Modify')
  }
  return world.site.users.find((user) => user.userid === userid)?.tokens ?? []
}

export const accessEndpoints: Endpoint[] = [
  {
    method: 'GET',
    path: '/version',
    run: ({ world: { version } }) => ({
      version,
      release: /^\d+\.\d+/.exec(version)?.[0] ?? version,
      repoid: '14a22df35955d97d',
    }),
  },
  { method: 'GET', path: '/access/ticket', world: true, run: () => null },
  {
    method: 'POST',
    path: '/access/ticket',
    world: true,
    relayed: true,
    parameters: {
      'new-format': { type: 'boolean' },
      otp: text,
      password: { type: 'string', required: true },
      path: { type: 'string', maxLength: 64, needs: 'privs' },
      privs: { type: 'string', maxLength: 64, format: 'pve-priv-list', needs: 'path' },
      realm: { type: 'string', format: 'pve-realm' },
      'tfa-challenge': text,
      username: { type: 'string', required: true, maxLength: 64 },
    },
    run: ({ world, values }) => logIn(world, values),
  },
  {
    method: 'GET',
    path: '/access/domains',
    world: true,
    run: ({ world }) => [
      { realm: 'pam', type: 'pam', comment: 'Linux PAM standard authentication' },
      { realm: 'pve', type: 'pve', comment: 'Proxmox VE authentication server' },
      ...(world.site.realms ?? []).map(({ realm, type }) => ({ realm, type })),
    ],
  },
  {
    method: 'GET',
    path: '/access/permissions',
    parameters: { path: text, userid: text },
    run: ({ world, caller, values }) => permissionTree(world.site, values['userid'] ?? caller.who, values['path']),
  },
  {
    method: 'GET',
    path: '/access/users',
    relayed: true,
    parameters: { enabled: { type: 'boolean' }, full: { type: 'boolean' } },
    run: ({ world, caller }) =>
      world.site.users
        .filter(
          (user) =>
            user.userid === userOf(caller.who) ||
            may(world.site, caller.who, '/access/groups', 'User.Modify', 'Sys.Audit'),
        )
        .map((user) => ({
          userid: user.userid,
          enable: user.enabled ? 1 : 0,
          expire: user.expire,
          'realm-type': user.userid.split('@')[1] ?? '',
          ...(user.comment === undefined ? {} : { comment: user.comment }),
          ...(user.email === undefined ? {} : { email: user.email }),
        })),
  },
  {
    method: 'GET',
    path: '/access/users/{userid}/token',
    run: ({ world, caller, values }) => tokensOf(world, caller.who, values['userid'] ?? '').map(tokenRow),
  },
  {
    method: 'PUT',
    path: '/access/password',
    noTokens: true,
    relayed: true,
    parameters: {
      userid: { type: 'string', required: true },
      password: { type: 'string', required: true, minLength: 8, maxLength: 64 },
    },
    run: ({ world, caller, values }) => {
      const own = values['userid'] === caller.who
      if (!own && !may(world.site, caller.who, '/access/groups', 'User.Modify'))
        throw permissionError('/access/groups, User.Modify')
      const user = world.site.users.find((each) => each.userid === values['userid'])
      if (user !== undefined) user.password = values['password'] ?? user.password
      world.save()
      return null
    },
  },
]

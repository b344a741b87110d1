import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openSite, type Site } from './harness.ts'

const otherPin = Array.from({ length: 32 }, () => '00').join(':')
const otherHostKey = `SHA256:${'A'.repeat(43)}`

let site: Site
beforeAll(async () => {
  site = await openSite(
    {
      // A site that the deployment doesn't have.
      mayBeRefused: /:secret:guestlift\/site\/nowhere$/,
      users: [
        { userid: 'root@pam' },
        {
          userid: 'backup@pve',
          tokens: [{ id: 'guestlift' }, { id: 'bare', secret: '11111111-2222-3333-4444-555555555555' }],
        },
        { userid: 'second@pve', password: 'the-password', totpSecret: 'JBSWY3DPEHPK3PXP' },
      ],
      acl: ['backup@pve', 'backup@pve!guestlift'].flatMap((who) =>
        ['/vms', '/storage'].map((path) => ({ path, who, role: 'GuestliftBackup', propagate: true })),
      ),
      roles: { GuestliftBackup: ['VM.Audit', 'VM.Backup', 'Datastore.Audit', 'Datastore.AllocateSpace'] },
    },
    (hq) => {
      const route = hq['route'] as Record<string, unknown>
      return {
        'wrong-password': { ...hq, auth: { username: 'backup', realm: 'pve', password: 'not-the-password' } },
        'wrong-token': {
          ...hq,
          auth: { tokenId: 'backup@pve!guestlift', secret: '00000000-0000-0000-0000-000000000000' },
        },
        'bare-token': { ...hq, auth: { tokenId: 'backup@pve!bare', secret: '11111111-2222-3333-4444-555555555555' } },
        'second-factor': { ...hq, auth: { username: 'second', realm: 'pve', password: 'the-password' } },
        'wrong-pin': { ...hq, tls: { mode: 'fingerprint', fingerprints: [otherPin] } },
        untrusted: { ...hq, tls: { mode: 'system' } },
        'other-host-key': { ...hq, route: { ...route, hostKeys: [otherHostKey] } },
        'no-host-key': { ...hq, route: { ...route, hostKeys: [] } },
        'wrong-ssh-password': { ...hq, route: { ...route, privateKey: undefined, password: 'not-the-password' } },
        // Nobody listens there.
        'closed-port': { ...hq, route: { ...route, port: 1 } },
        'other-root': { ...hq, route: { ...route, pathPrefix: { from: '/var/lib/vz', to: '/srv' } } },
        broken: '{"provider": "proxmox", "auth": {"secret": "do-not-repeat"',
        typo: { ...hq, tsl: {} },
      }
    },
  )
})
afterAll(() => site.close())

const job = (name: string, vmids = [100]) => ({ site: name, guests: { vmids }, backup: { storage: 'local' } })
const dumps = () => site.lab.faults.requests.filter(({ method, path }) => method === 'POST' && path.endsWith('/vzdump'))

describe('bad input ends the run before anything is dumped', () => {
  it.each([
    ['a malformed job', { site: 'hq', guests: { vmids: ['web'] } }, 'InvalidJob', /guests\.vmids\.0/],
    ['an unknown site', job('nowhere'), 'UnknownSite', /no site nowhere is configured/],
    ['a wrong password', job('wrong-password'), 'CredentialsRejected', /wrong-password.*backup@pve/],
    ['a wrong token', job('wrong-token'), 'CredentialsRejected', /backup@pve!guestlift/],
    ['a pending second factor', job('second-factor'), 'SecondFactorRequired', /API token/],
    ['another TLS certificate', job('wrong-pin'), 'TlsIdentityMismatch', /[0-9A-F]{2}(:[0-9A-F]{2}){31}/],
    ['an authority nobody knows', job('untrusted'), 'TlsIdentityMismatch', /untrusted/],
    ['another SSH host key', job('other-host-key'), 'HostKeyMismatch', /SHA256:(?!A{43})[A-Za-z0-9+/]{43}/],
    ['no SSH host key', job('no-host-key'), 'HostKeyMismatch', /SHA256:[A-Za-z0-9+/]{43}/],
    ['a wrong SSH password', job('wrong-ssh-password'), 'RouteLoginRejected', /vzdump-read/],
    [
      'a port of SSH that refuses',
      job('closed-port'),
      'RouteUnreachable',
      /node pve1: .*ECONNREFUSED.*Check its host and port in the site/,
    ],
    ['a folder that is not there', job('other-root'), 'SourceUnreadable', /\/srv\/dump doesn't exist on .*node pve1/],
    ['a token without privileges', job('bare-token'), 'PrivilegeMissing', /VM\.Backup on \/vms\/100/],
    ['a secret that is no JSON', job('broken'), 'InvalidSite', /broken/],
    ['a site with a typing error', job('typo'), 'InvalidSite', /tsl/],
  ])('%s', async (_what, request, error, message) => {
    const { result } = await site.run(request)
    expect(result).toMatchObject({ status: 'FAILED', error })
    expect(result.cause).toMatch(message)
    expect(result.cause).not.toMatch(/not-the-password|the-password|do-not-repeat|PRIVATE KEY|555555555555/)
    expect(dumps()).toEqual([])
  })

  it('an expired token', async () => {
    site.lab.control.expireToken('backup@pve!guestlift')
    const { result } = await site.run(job('hq'))
    expect(result).toMatchObject({ status: 'FAILED', error: 'CredentialsRejected' })
    expect(dumps()).toEqual([])
  })
})

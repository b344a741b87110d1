import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { accountOf, proxmoxSiteSchema } from '../../../../functions/providers/proxmox/config.ts'
import { siteSchema } from '../../../../functions/providers/registry.ts'

const site = {
  provider: 'proxmox',
  endpoints: ['https://pve1.example.com:8006'],
  tls: { mode: 'fingerprint', fingerprints: ['AB:'.repeat(31) + 'CD'] },
  auth: { tokenId: 'backup@pve!guestlift', secret: '7c4f5b57-62f7-46ed-a42f-21a44d04946c' },
  route: {
    type: 'sftp',
    host: 'pve1.example.com',
    username: 'vzdump-read',
    privateKey: '-----BEGIN OPENSSH PRIVATE KEY-----',
    hostKeys: [`SHA256:${'a'.repeat(43)}`],
  },
}

/** The messages about a site with changes; none when it is fine. */
function complaints(changes: Record<string, unknown>): string[] {
  const parsed = siteSchema.safeParse({ ...site, ...changes })
  return parsed.success ? [] : parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
}

describe("a Proxmox site's configuration", () => {
  it('is accepted as the documentation shows it', () => {
    const parsed = siteSchema.parse(site)
    expect(parsed).toMatchObject({ provider: 'proxmox', auth: site.auth })
    expect(parsed).toMatchObject({ route: { type: 'sftp', port: 22 } })
  })

  it('yields the same when its result is parsed again, so that it can be written and read back', () => {
    for (const auth of [
      site.auth,
      { username: 'backup@pve', password: 'x' },
      { username: 'a@b.c', realm: 'ldap', password: 'x' },
      { username: 'a@b.c', realm: 'ldap', password: 'x', totpSecret: 'jbsw y3dp ehpk 3pxp' },
    ]) {
      const once = siteSchema.parse({ ...site, auth })
      expect(siteSchema.parse(JSON.parse(JSON.stringify(once)))).toEqual(once)
    }
  })

  it('trusts the public authorities unless told otherwise', () => {
    const { tls: _, ...rest } = site
    expect(siteSchema.parse(rest)).toMatchObject({ tls: { mode: 'system' } })
  })

  it.each([
    [{ username: 'backup@pve', password: 'x' }, 'backup@pve'],
    [{ username: 'backup', realm: 'pve', password: 'x' }, 'backup@pve'],
    [{ username: 'root', password: 'x' }, 'root@pam'],
    [{ username: 'jo@example.com', realm: 'ldap', password: 'x' }, 'jo@example.com@ldap'],
    [{ username: 'jo@example.com@ldap', password: 'x' }, 'jo@example.com@ldap'],
    [site.auth, 'backup@pve!guestlift'],
  ])('%j is the account %s', (auth, account) => {
    expect(accountOf(proxmoxSiteSchema.parse({ ...site, auth }).auth)).toBe(account)
  })

  it.each<[Record<string, unknown>, RegExp]>([
    [{ endpoints: [] }, /endpoints: name at least one endpoint/],
    [{ endpoints: ['http://pve1:8006'] }, /endpoints.0: .*https:\/\//],
    [{ endpoints: ['pve1'] }, /endpoints.0: .*URL/],
    [{ endpoints: ['https://pve1:8006/api2/json'] }, /scheme, host and port only/],
    [{ endpoints: ['https://root:secret@pve1:8006'] }, /credentials belong in auth/],
    [{ auth: { username: 'a@pve', password: 'x', totpSecret: '123456' } }, /auth.totpSecret: .*base32/],
    [{ auth: { ...site.auth, totpSecret: 'JBSWY3DPEHPK3PXP' } }, /auth: a token needs no second factor/],
    [{ tls: { mode: 'fingerprint', fingerprints: [] } }, /tls.fingerprints/],
    [{ tls: { mode: 'none' } }, /tls.mode/],
    [{ auth: { tokenId: 'backup@pve', secret: 'x' } }, /auth.tokenId: a token id is user@realm!name/],
    [{ auth: { tokenId: 'backup@pve!x1' } }, /auth: a token needs both tokenId and secret/],
    [{ auth: { secret: 'x' } }, /auth: a token needs both/],
    [{ auth: {} }, /auth: give either tokenId and secret, or username and password/],
    [{ auth: { username: 'backup' } }, /auth: give either/],
    [{ auth: { ...site.auth, password: 'x' } }, /auth: give either/],
    [{ auth: { username: 'backup@pve', realm: 'pve', password: 'x' } }, /auth: name the realm once/],
    [{ auth: { username: 'a b', password: 'x' } }, /auth.username/],
    [{ auth: { ...site.auth, secret: 'two words' } }, /auth.secret/],
    [{ auth: { ...site.auth, user: 'x' } }, /auth: Unrecognized key/],
    [{ provider: 'vmware' }, /provider/],
    [{ timeout: 5 }, /Unrecognized key/],
    [{ route: undefined }, /route/],
  ])('%j is refused with a message that helps', (changes, message) => {
    expect(complaints(changes).join('\n')).toMatch(message)
  })

  it('never repeats a secret in what it complains about', () => {
    const secret = fc.string({ minLength: 8, unit: fc.constantFrom('q', 'z', '7', '%', '!') })
    fc.assert(
      fc.property(secret, fc.constantFrom('', ' ', '\n'), (value, tail) => {
        for (const auth of [
          { tokenId: 'wrong', secret: value + tail },
          { username: 'backup@pve', realm: 'pve', password: value },
          { secret: value },
          { password: value },
        ]) {
          const parsed = siteSchema.safeParse({ ...site, auth })
          expect(parsed.success).toBe(false)
          expect(JSON.stringify(parsed.error?.issues)).not.toContain(value)
          expect(parsed.error?.message).not.toContain(value)
        }
      }),
      { numRuns: 50 },
    )
  })
})

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { proxmoxSiteSchema } from '../../../../functions/providers/proxmox/config.ts'
import { openProxmox } from '../../../../functions/providers/proxmox/provider.ts'
import { parseTotpSecret, totpCode, totpStep } from '../../../../functions/providers/proxmox/totp.ts'
import { startLab } from '../../../../local/labs/proxmox/lab.ts'
import { answer, data, type Script, type ScriptedServer, startServer } from './scripted-server.ts'
import { shortLimits, siteFor, surroundings, tokenAuth } from './site.ts'

const totpSecret = 'JBSWY3DPEHPK3PXP'
const withFactor = { username: 'second@pve', password: 'Sec0nd-pass', totpSecret }
const half = `PVE:!tfa!${encodeURIComponent('{"totp":true}')}:6B0326A9::c2ln`

const closing: { close(): Promise<void> }[] = []
afterEach(async () => {
  await Promise.all(closing.splice(0).map((one) => one.close()))
})

async function serve(script: Script): Promise<ScriptedServer> {
  const server = await startServer(script)
  closing.push(server)
  return server
}

function providerFor(server: ScriptedServer, auth: unknown = withFactor) {
  const deps = surroundings('2026-11-22T18:00:10Z')
  const provider = openProxmox('hq', siteFor(server, { auth }), deps, shortLimits)
  closing.push(provider)
  return { deps, provider }
}

function codeAt(instant: string): string {
  const totp = parseTotpSecret(totpSecret)
  return totp === undefined ? '' : `totp:${totpCode(totp, totpStep(totp, new Date(instant)))}`
}

const version = () => data({ version: '9.2.11' })
const rejected = () => answer(401, 'authentication failure', { data: null, message: 'authentication failure\n' })
const form = (body: string) => Object.fromEntries(new URLSearchParams(body))

describe('a login with a second factor', () => {
  it('answers the challenge with the code of this moment, and works with the whole ticket', async () => {
    const server = await serve(({ path, body }) => {
      if (!path.endsWith('/ticket')) return version()
      return form(body)['tfa-challenge'] === undefined
        ? data({ ticket: half, NeedTFA: 1, CSRFPreventionToken: 'half' })
        : data({ ticket: 'PVE:second@pve:whole', CSRFPreventionToken: 'csrf' })
    })
    await providerFor(server).provider.identify()
    const [first, second, call] = server.requests
    expect(form(first?.body ?? '')).toEqual({ username: 'second@pve', password: withFactor.password })
    expect(form(second?.body ?? '')).toEqual({
      username: 'second@pve',
      password: codeAt('2026-11-22T18:00:10Z'),
      'tfa-challenge': half,
    })
    expect(call?.headers['cookie']).toBe('PVEAuthCookie=PVE%3Asecond%40pve%3Awhole')
  })

  it('waits for the next code when another login has used this one', async () => {
    const spent = codeAt('2026-11-22T18:00:10Z')
    const server = await serve(({ path, body }) => {
      if (!path.endsWith('/ticket')) return version()
      const { password, 'tfa-challenge': challenge } = form(body)
      if (challenge === undefined) return data({ ticket: half, NeedTFA: 1 })
      return password === spent ? rejected() : data({ ticket: 'PVE:second@pve:whole' })
    })
    const { provider, deps } = providerFor(server)
    expect(await provider.identify()).toEqual({ version: '9.2.11' })
    expect(deps.slept).toEqual([20_000])
    expect(deps.logged.join()).toContain('platform-second-factor-repeated')
  })

  it('gives up after three codes, and names what to check', async () => {
    const server = await serve(({ body }) =>
      form(body)['tfa-challenge'] === undefined ? data({ ticket: half, NeedTFA: 1 }) : rejected(),
    )
    const { provider, deps } = providerFor(server)
    const error = await provider.identify().catch((caught: unknown) => caught)
    expect(error).toMatchObject({ name: 'CredentialsRejected' })
    expect(String(error)).toMatch(/password was accepted and 3 codes.*totpSecret.*clock/)
    expect(String(error)).not.toContain(totpSecret)
    const codes = server.requests.map(({ body }) => form(body)['password']).filter((text) => text?.startsWith('totp:'))
    expect(new Set(codes).size).toBe(3)
    expect(codes).toHaveLength(3)
    expect(deps.logged.join()).not.toContain(totpSecret)
  })

  it('renews the ticket with the ticket, without a code', async () => {
    const server = await serve(({ path, body }) => {
      if (!path.endsWith('/ticket')) return version()
      const { password, 'tfa-challenge': challenge } = form(body)
      if (password === 'PVE:second@pve:1') return data({ ticket: 'PVE:second@pve:2' })
      return challenge === undefined ? data({ ticket: half, NeedTFA: 1 }) : data({ ticket: 'PVE:second@pve:1' })
    })
    const { provider, deps } = providerFor(server)
    await provider.identify()
    deps.advance(61 * 60_000)
    await provider.identify()
    expect(server.requests.filter(({ body }) => body.includes('tfa-challenge'))).toHaveLength(1)
    expect(server.requests.at(-1)?.headers['cookie']).toBe('PVEAuthCookie=PVE%3Asecond%40pve%3A2')
  })

  it('logs in wholly when the site has forgotten the ticket, also at its renewal', async () => {
    let logins = 0
    const server = await serve(({ path, body }) => {
      if (!path.endsWith('/ticket')) return version()
      const { password, 'tfa-challenge': challenge } = form(body)
      if (password?.startsWith('PVE:') === true) return rejected()
      if (challenge === undefined) return data({ ticket: half, NeedTFA: 1 })
      logins += 1
      return data({ ticket: `PVE:second@pve:${logins}` })
    })
    const { provider, deps } = providerFor(server)
    await provider.identify()
    deps.advance(61 * 60_000)
    await provider.identify()
    expect(logins).toBe(2)
  })

  it('is not repeated by the next function call of the same process', async () => {
    let logins = 0
    const server = await serve(({ path, body }) => {
      if (!path.endsWith('/ticket')) return version()
      if (form(body)['tfa-challenge'] === undefined) return data({ ticket: half, NeedTFA: 1 })
      logins += 1
      return data({ ticket: 'PVE:second@pve:kept', CSRFPreventionToken: 'csrf-kept' })
    })
    for (let call = 0; call < 3; call += 1) {
      const { provider, deps } = providerFor(server)
      await provider.identify()
      expect(deps.slept).toEqual([])
    }
    expect(logins).toBe(1)
  })

  it('of another kind than codes is refused, and the token recommended', async () => {
    const ticket = `PVE:!tfa!${encodeURIComponent('{"webauthn":{},"recovery":"low"}')}:6B0326A9::c2ln`
    const server = await serve(() => data({ ticket, NeedTFA: 1 }))
    await expect(providerFor(server).provider.identify()).rejects.toMatchObject({
      name: 'SecondFactorRequired',
      message: expect.stringMatching(/another kind \(recovery, webauthn\).*API token/) as unknown,
    })
    expect(server.requests).toHaveLength(1)
  })

  it('is needed no second time by calls that were rejected together', async () => {
    let logins = 0
    const server = await serve(({ path, body, headers }) => {
      if (path.endsWith('/ticket')) {
        if (form(body)['tfa-challenge'] === undefined) return data({ ticket: half, NeedTFA: 1 })
        logins += 1
        return data({ ticket: `PVE:second@pve:${logins}` })
      }
      return headers['cookie']?.endsWith('2') === true ? version() : answer(401, 'Authentication failed!')
    })
    const { provider } = providerFor(server)
    await Promise.all([provider.identify(), provider.identify(), provider.identify()])
    expect(logins).toBe(2)
  })
})

describe('against the lab', () => {
  it('a code opens the door once, and two logins at the same moment both get in', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'guestlift-login-'))
    let now = Date.parse('2026-11-22T18:00:10Z')
    const lab = await startLab({
      directory,
      users: [{ userid: 'second@pve', password: withFactor.password, totpSecret }],
      unauthorizedDelaySeconds: 0,
      now: () => now,
    })
    closing.push({
      close: async () => {
        await lab.close()
        rmSync(directory, { recursive: true, force: true })
      },
    })
    const site = proxmoxSiteSchema.parse({ ...lab.site(), auth: withFactor })
    const slept: number[] = []
    const deps = {
      now: () => new Date(now),
      sleep: (milliseconds: number) => {
        slept.push(milliseconds)
        now += milliseconds
        return Promise.resolve()
      },
      log: () => undefined,
    }
    const providers = [openProxmox('lab', site, deps), openProxmox('lab', site, deps)]
    closing.push(...providers)
    const versions = await Promise.all(providers.map((provider) => provider.identify()))
    expect(versions).toHaveLength(2)
    expect(slept).toEqual([20_000])
    // An hour later the ticket renews itself, and no code is needed.
    now += 61 * 60_000
    await providers[0]?.identify()
    expect(slept).toHaveLength(1)
  })
})

describe('a refused password', () => {
  const domains = [
    { realm: 'pam', type: 'pam' },
    { realm: 'pve', type: 'pve' },
    { realm: 'corp', type: 'ldap' },
    { realm: 'forest', type: 'ad' },
    { realm: 'sso', type: 'openid' },
  ]

  it.each([
    ['nosuch', /has no realm "nosuch"; it has: pam, pve, corp \(ldap\), forest \(ad\), sso \(openid\)/],
    ['corp', /directory \(ldap\)/],
    ['forest', /directory \(ad\)/],
    ['sso', /can't log in with a password: use an API token/],
    ['pam', /getent passwd/],
    ['pve', /Check password, user and realm/],
  ])('in realm %s is explained by the realms that there are', async (realm, says) => {
    const server = await serve(({ path }) => (path.endsWith('/domains') ? data(domains) : rejected()))
    const { provider } = providerFor(server, { username: 'someone', realm, password: 'wrong-pass' })
    const error = await provider.identify().catch((caught: unknown) => caught)
    expect(error).toMatchObject({ name: 'CredentialsRejected' })
    expect(String(error)).toMatch(says)
    expect(server.requests.map(({ path }) => path)).toEqual(['/api2/json/access/ticket', '/api2/json/access/domains'])
    expect(server.requests[1]?.headers).not.toHaveProperty('cookie')
  })

  it('is told as it is when the realms are not to be had', async () => {
    const server = await serve(({ path }) => (path.endsWith('/domains') ? answer(500, 'no') : rejected()))
    await expect(
      providerFor(server, { username: 'x@pve', password: 'wrong-pass' }).provider.identify(),
    ).rejects.toMatchObject({ name: 'CredentialsRejected' })
  })

  it.each(['pam', 'pve', 'corp-ldap', 'AD.example'])('a user of realm %s logs in under user@realm', async (realm) => {
    const server = await serve(({ path }) =>
      path.endsWith('/ticket') ? data({ ticket: `PVE:x@${realm}:1`, CSRFPreventionToken: 'c' }) : version(),
    )
    await providerFor(server, { username: 'someone', realm, password: 'right-pass' }).provider.identify()
    expect(form(server.requests[0]?.body ?? '')).toEqual({ username: `someone@${realm}`, password: 'right-pass' })
  })
})

describe('the version that answers', () => {
  it.each(['7.4-16', '8.0.3', '8.4.5', '9.1.3', '9.2.11', '9.3~beta1', '10.0'])('%s is served', async (text) => {
    const server = await serve(() => data({ version: text }))
    const { provider } = providerFor(server, tokenAuth)
    expect(await provider.identify()).toEqual({ version: text })
  })

  it.each(['6.4-15', '7.3-6', '5.4'])('%s is refused by name', async (text) => {
    const server = await serve(() => data({ version: text }))
    const { provider } = providerFor(server, tokenAuth)
    await expect(provider.identify()).rejects.toMatchObject({
      name: 'RequestRejected',
      message: expect.stringContaining(`Proxmox VE ${text}`) as unknown,
    })
  })

  it.each([
    // Something answers and is no Proxmox VE of any version: asking again won't change it.
    ['yes', 'RequestRejected'],
    ['v9', 'RequestRejected'],
    ['9', 'RequestRejected'],
    ['', 'PlatformUnavailable'],
  ])('%j is no version', async (text, name) => {
    const server = await serve(() => data({ version: text }))
    const { provider } = providerFor(server, tokenAuth)
    await expect(provider.identify()).rejects.toMatchObject({ name })
  })
})

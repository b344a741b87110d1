import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { SharedText } from '../../../../functions/providers/provider-deps.ts'
import type { ProxmoxProvider } from '../../../../functions/providers/proxmox/provider.ts'
import { proxmoxSiteSchema } from '../../../../functions/providers/proxmox/config.ts'
import { openProxmox } from '../../../../functions/providers/proxmox/provider.ts'
import { sealFor } from '../../../../functions/providers/proxmox/session-seal.ts'
import { openSharedSession } from '../../../../functions/providers/proxmox/shared-session.ts'
import { type Lab, startLab } from '../../../../local/labs/proxmox/lab.ts'

const totpSecret = 'JBSWY3DPEHPK3PXP'
const auth = { username: 'second@pve', password: 'Sec0nd-pass', totpSecret }
const MINUTE = 60_000
/** As version 1 wrote it. */
const GOLDEN_KEY_ID = 'e355ff0b94802326'
const GOLDEN_SEALED =
  'BwcHBwcHBwcHBwcHe95Jffh1psdyq+0R5VhHBSoXp5+/desab4tMGBe6uVERQJhFypGG89lqYPrgiPsCD1Jm1+r73bEnah41EgYt4f6WJYvZXxML9r9yHdiJzQHo/meK5fX9ZUeSk0TIAf60wP6DA8H1lvK7/367xfkFEX8p8h2ivqAzl0rd'

let lab: Lab
let directory: string
let now: number
let text: ReturnType<typeof sharedText>
let timePasses: boolean
let processes = 0
const opened: ProxmoxProvider[] = []
const logged: string[] = []

/** As the bucket has it: one object, written on conditions. */
function sharedText(): SharedText & { stored: string | undefined; lost: number } {
  let tag = 0
  const own = {
    stored: undefined as string | undefined,
    lost: 0,
    read: () => Promise.resolve(own.stored === undefined ? undefined : { text: own.stored, etag: String(tag) }),
    write: (next: string, onlyIf: { absent: true } | { etag: string }) => {
      const free =
        'absent' in onlyIf ? own.stored === undefined : own.stored !== undefined && onlyIf.etag === String(tag)
      if (!free) {
        own.lost += 1
        return Promise.resolve(undefined)
      }
      own.stored = next
      tag += 1
      return Promise.resolve(String(tag))
    },
  }
  return own
}

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'guestlift-session-'))
  now = Date.parse('2026-11-29T18:00:10Z')
  timePasses = false
  text = sharedText()
  logged.length = 0
  lab = await startLab({
    directory,
    users: [{ userid: 'second@pve', password: auth.password, totpSecret }],
    unauthorizedDelaySeconds: 0,
    guestBytes: 65_536,
    now: () => now,
  })
})
afterEach(async () => {
  await Promise.all(opened.splice(0).map((provider) => provider.close()))
  await lab.close()
  rmSync(directory, { recursive: true, force: true })
})

/** A function call in a process of its own: what a warm process remembers goes by what is configured, so each trusts another certificate too. */
function call(changes: Partial<typeof auth> = {}, session: SharedText = text): ProxmoxProvider {
  processes += 1
  const other = processes.toString(16).padStart(2, '0').toUpperCase()
  const fingerprints = [lab.fingerprint, Array.from({ length: 32 }, () => other).join(':')]
  const site = proxmoxSiteSchema.parse({
    ...lab.site(),
    tls: { mode: 'fingerprint', fingerprints },
    auth: { ...auth, ...changes },
  })
  const provider = openProxmox('hq', site, {
    now: () => new Date(now),
    // While another call logs in, no time passes unless a test wants the next code to come.
    sleep: (milliseconds) => {
      if (timePasses || milliseconds !== 2_000) now += milliseconds
      return new Promise((resolve) => setTimeout(resolve, 1))
    },
    log: (event, fields) => logged.push(JSON.stringify({ event, ...fields })),
    session,
  })
  opened.push(provider)
  return provider
}

const codesShown = (): number =>
  lab.faults.requests.filter(({ parameters }) => parameters['tfa-challenge'] !== undefined).length
const loginsAtAll = (): number => lab.faults.requests.filter(({ path }) => path === '/access/ticket').length
const message = (provider: ProxmoxProvider): Promise<string> =>
  provider.identify().then(
    () => 'let in',
    (error: unknown) => String(error),
  )

describe('the login of an account with a second factor', () => {
  it('is shared by all calls of the site: one code, whatever their number', async () => {
    for (let each = 0; each < 5; each += 1) await call().identify()
    expect(codesShown()).toBe(1)
    expect(loginsAtAll()).toBe(2)
    expect(now).toBe(Date.parse('2026-11-29T18:00:10Z'))
  })

  it('is made once by calls that begin together', async () => {
    await Promise.all(Array.from({ length: 6 }, () => call().identify()))
    expect(codesShown()).toBe(1)
    expect(logged).toEqual([])
  })

  it('is renewed with the ticket, and the next call has the new one', async () => {
    await call().identify()
    now += 61 * MINUTE
    await call().identify()
    now += 61 * MINUTE
    await call().identify()
    await call().identify()
    expect(codesShown()).toBe(1)
  })

  it('is made anew when the ticket has lapsed or the site has forgotten it', async () => {
    await call().identify()
    now += 180 * MINUTE
    await call().identify()
    expect(codesShown()).toBe(2)
    lab.control.expireTickets()
    now += MINUTE
    await call().identify()
    await call().identify()
    expect(codesShown()).toBe(3)
  })

  it('is made anew by calls whose ticket was refused in their midst, and by one of them only', async () => {
    const calls = [call(), call(), call()]
    for (const each of calls) await each.identify()
    lab.control.expireTickets()
    now += MINUTE
    await Promise.all(calls.map((each) => each.identify()))
    expect(codesShown()).toBe(2)
  })

  it('knows who it is when the ticket came from another call', async () => {
    lab.control.setTaskSpeed(0)
    await call().identify()
    expect(await call().tasks.list(new Date(0))).toEqual({ jobs: [], unread: [] })
    expect(codesShown()).toBe(1)
  })
})

describe('what lies in the bucket', () => {
  it('holds no secret in clear and tells nobody without the site’s secret anything', async () => {
    await call().identify()
    const { stored = '' } = text
    const { sealed } = JSON.parse(stored) as { sealed: string }
    const unpacked = Buffer.from(sealed, 'base64').toString('latin1')
    for (const secret of ['PVE:', 'second@pve', auth.password, totpSecret])
      expect(`${stored}${unpacked}`).not.toContain(secret)
    const site = proxmoxSiteSchema.parse({ ...lab.site(), auth })
    expect(sealFor('hq', site)?.open(sealed)).toContain('PVE:second@pve:')
    expect(sealFor('other', site)?.open(sealed)).toBeUndefined()
    const guessed = proxmoxSiteSchema.parse({ ...lab.site(), auth: { ...auth, totpSecret: 'KRSXG5CTMVRXEZLU' } })
    expect(sealFor('hq', guessed)?.open(sealed)).toBeUndefined()
    const flipped = Buffer.from(sealed, 'base64')
    flipped[40] = (flipped[40] ?? 0) ^ 1
    expect(sealFor('hq', site)?.open(flipped.toString('base64'))).toBeUndefined()
  })

  it.each([
    ['nothing', ''],
    ['no JSON', '{'],
    ['a web page', '<html>'],
    ['a ticket that somebody changed', JSON.stringify({ version: 1, keyId: '', sealed: 'AAAA' })],
  ])('may be %s: that costs one code and is put right', async (_what, stored) => {
    text.stored = stored
    await call().identify()
    await call().identify()
    expect(codesShown()).toBe(1)
  })

  it('is left alone when a newer version wrote it', async () => {
    const newer = JSON.stringify({ version: 2, keyId: 'x' })
    text.stored = newer
    await call().identify()
    expect(text.stored).toBe(newer)
  })

  it('can be read for ever', async () => {
    const site = { endpoints: ['https://pve1.example.com:8006'], auth: { ...auth, username: 'second', realm: 'pve' } }
    const seal = sealFor('hq', site, (bytes) => Buffer.alloc(bytes, 7))
    const ticket = {
      ticket: 'PVE:second@pve:6B0326A9::c2ln',
      csrf: '6B0326A9:x',
      account: 'second@pve',
      since: 1_795_975_210_000,
    }
    const sealed = GOLDEN_SEALED
    expect(seal?.keyId).toBe(GOLDEN_KEY_ID)
    expect(seal?.seal(JSON.stringify(ticket))).toBe(sealed)
    text.stored = JSON.stringify({ version: 1, keyId: seal?.keyId, codeStep: 59_865_840, sealed, later: 'kept' })
    const session = seal === undefined ? undefined : openSharedSession(text, seal, () => new Date(now))
    expect(await session?.look(59_865_840)).toMatchObject({ held: ticket, codeStep: 59_865_840, refusals: 0 })
    await session?.claim(59_865_841)
    expect(JSON.parse(text.stored)).toMatchObject({ codeStep: 59_865_841, sealed, later: 'kept' })
  })
})

describe('codes that are refused', () => {
  const wrong = { totpSecret: 'KRSXG5CTMVRXEZLU' }
  beforeEach(() => {
    timePasses = true
  })

  it('are three for all calls together; then the account is left in peace for a while', async () => {
    const said = await Promise.all([message(call(wrong)), message(call(wrong)), message(call(wrong))])
    expect(codesShown()).toBe(3)
    for (const each of said) expect(each).toContain('3 codes of its second factor were not')
    expect(await message(call(wrong))).toMatch(/No other is tried before 2026-11-29T18:1/)
    expect(codesShown()).toBe(3)
    now += 11 * MINUTE
    expect(await message(call(wrong))).toContain('3 codes')
    expect(codesShown()).toBe(4)
  })

  it('count no more once the site’s secret was put right', async () => {
    await message(call(wrong))
    expect(await message(call())).toBe('let in')
  })

  it('are explained by competing logins and by both clocks', async () => {
    lab.control.setClockOffset(-600)
    const said = await message(call())
    expect(said).toMatch(/this machine's says 2026-11-29T18:0\d:\d\d\.\d{3}Z, the site's 2026-11-29T17:5\d:\d\d\.000Z/)
    expect(said).toContain('another login of this user at the same time uses codes up')
    expect(said).not.toContain(totpSecret)
  })
})

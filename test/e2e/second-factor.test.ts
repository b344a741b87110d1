import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BACKUP_ROLE } from '../../local/labs/proxmox/default-site.ts'
import { openSite, type Site } from './harness.ts'

const totpSecret = 'JBSWY3DPEHPK3PXP'
const password = 'Sec0nd-pass'

let site: Site
beforeAll(async () => {
  site = await openSite(
    {
      guestCount: 3,
      users: [
        { userid: 'token@pve', tokens: [{ id: 'unused' }] },
        { userid: 'second@pve', password, totpSecret },
      ],
      acl: ['/vms', '/storage'].map((path) => ({ path, who: 'second@pve', role: BACKUP_ROLE, propagate: true })),
    },
    (hq) => ({ second: { ...hq, auth: { username: 'second', realm: 'pve', password, totpSecret } } }),
  )
})
afterAll(() => site.close())

describe('a site whose account has a second factor', () => {
  it('archives three guests with one code, and its ticket is nowhere to be read', async () => {
    const { report, guests } = await site.run({
      site: 'second',
      guests: { vmids: [100, 101, 102] },
      backup: { storage: 'nas' },
    })
    expect(report).toMatchObject({ outcome: 'succeeded' })
    expect(Object.values(guests).map(({ verdict }) => verdict)).toEqual(['archived', 'archived', 'archived'])
    const { requests } = site.lab.faults
    expect(requests.filter(({ parameters }) => parameters['tfa-challenge'] !== undefined)).toHaveLength(1)
    expect(requests.filter(({ path }) => path.endsWith('/vzdump'))).toHaveLength(3)

    const secrets = [/PVE(:|%3A)(second|!|%21)/, new RegExp(password), new RegExp(totpSecret)]
    const said = await site.everythingSaid()
    for (const secret of secrets) expect(said).not.toMatch(secret)
    for (const key of (await site.keys()).filter((each) => !/\.(zst|vma|tar)$/.test(each))) {
      const text = await site.text(key)
      for (const secret of secrets) expect(text, key).not.toMatch(secret)
    }
    expect(JSON.parse(await site.text('sessions/second.json'))).toMatchObject({ version: 1 })
  })
})

import { describe, expect, it } from 'vitest'
import { siteSecretsOf } from '../../../local/run/site-secrets.ts'

const site = { provider: 'proxmox', auth: { tokenId: 'backup@pve!guestlift', secret: 'a' } }
const restore = { auth: { tokenId: 'restore@pve!guestlift', secret: 'b' }, delivery: { type: 'pull' } }

describe('the secrets of local sites', () => {
  it('keep the account for restores apart from what functions read that back up', () => {
    const whole = JSON.stringify({ ...site, restore })
    const secrets = siteSecretsOf('guestlift/site/', { hq: whole, branch: JSON.stringify(site) })
    expect(Object.keys(secrets)).toEqual(['guestlift/site/hq', 'guestlift/site/hq/restore', 'guestlift/site/branch'])
    expect(JSON.parse(secrets['guestlift/site/hq'] ?? '')).toEqual(site)
    expect(secrets['guestlift/site/hq/restore']).toBe(whole)
    expect(JSON.parse(secrets['guestlift/site/branch'] ?? '')).toEqual(site)
  })

  it('hand on a text that is no JSON as it is: the functions say so', () => {
    expect(siteSecretsOf('guestlift/site/', { hq: '{"provider":' })).toEqual({ 'guestlift/site/hq': '{"provider":' })
  })
})

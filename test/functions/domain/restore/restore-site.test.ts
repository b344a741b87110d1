import { describe, expect, it } from 'vitest'
import { asRestoreSite, withoutRestore } from '../../../../functions/domain/restore/restore-site.ts'

const auth = { tokenId: 'backup@pve!guestlift', secret: 'plain-secret' }
const restore = { auth: { tokenId: 'restore@pve!guestlift', secret: 'restore-secret' }, delivery: { type: 'pull' } }
const site = { provider: 'proxmox', name: 'hq', endpoints: ['https://pve1:8006'], auth }

describe('a site as the functions that restore see it', () => {
  it('has the account for restores in place of that for backups, and all else', () => {
    expect(asRestoreSite({ ...site, restore })).toEqual({ ...site, auth: restore.auth, restore })
  })

  it('of AWS has no delivery, and may have no account: then it is never that for backups', () => {
    const aws = { provider: 'ec2', name: 'aws', regions: ['eu-central-1'], auth: { roleArn: 'backup' } }
    const { auth: _backups, ...bare } = aws
    expect(asRestoreSite({ ...aws, restore: {} })).toEqual({ ...bare, restore: {} })
    const restoring = { auth: { roleArn: 'restore' } }
    expect(asRestoreSite({ ...aws, restore: restoring })).toEqual({ ...bare, ...restoring, restore: restoring })
    expect(() => asRestoreSite(aws)).toThrow(/add the block, empty where its functions have roles.*docs\/ec2\.md/)
    expect(() => asRestoreSite({ ...aws, restore: 'yes' })).toThrow(/is no JSON object/)
  })

  it.each<[string, unknown, RegExp]>([
    ['no block', site, /site hq has no block `restore`.*Make an account.*docs\/proxmox-setup\.md\.$/],
    ['no name either', { provider: 'proxmox' }, /configuration of the site has no block/],
    ['no account in it', { ...site, restore: { delivery: {} } }, /`restore` of site hq lacks `auth`\. See/],
    ['nothing in it', { ...site, restore: {} }, /lacks `auth` and `delivery`/],
    ['a word for it', { ...site, restore: 'yes' }, /lacks `auth` and `delivery`/],
    ['null for it', { ...site, restore: null }, /lacks `auth` and `delivery`/],
    ['Azure', { name: 'az', subscriptionId: '1' }, /site az .*makes no machines in Azure.*docs\/azure\.md\.$/],
    [
      'a platform that brings nothing back yet',
      { name: 'vc1', endpoint: 'https://vc', restore: {} },
      /docs\/vsphere\.md/,
    ],
    ['no object', ['plain-secret'], /no JSON object/],
    ['null', null, /no JSON object/],
  ])('is refused with what to do where there is %s', (_what, config, message) => {
    const refused = (): unknown => asRestoreSite(config)
    expect(refused).toThrow(expect.objectContaining({ name: 'InvalidSite', message: expect.stringMatching(message) }))
    expect(refused).not.toThrow(/secret$/)
  })
})

describe('a site as the functions that back up see it', () => {
  it('has nothing of the account for restores', () => {
    expect(withoutRestore({ ...site, restore })).toEqual(site)
    expect(withoutRestore(site)).toEqual(site)
    expect(withoutRestore('text')).toBe('text')
  })
})

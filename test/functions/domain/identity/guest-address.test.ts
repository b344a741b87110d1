import { describe, expect, it } from 'vitest'
import { guestAddress, meansGuest } from '../../../../functions/domain/identity/guest-address.ts'

const web = { site: 'hq', kind: 'vm', id: '100', name: 'Web' }
const named = { site: 'hq', kind: 'vm', id: '4c4c4544-0042', name: 'db' }

describe('how people name a guest', () => {
  it.each(['100', 'vm-100', 'hq/100', 'hq/vm-100', 'Web', 'WEB', 'hq/web'])('%s means it', (text) => {
    expect(meansGuest(guestAddress(text), web)).toBe(true)
  })

  it.each(['10', 'container-100', 'dr/100', 'dr/web', 'we', '', '0100'])('%s does not mean it', (text) => {
    expect(meansGuest(guestAddress(text), web)).toBe(false)
  })

  it.each(['4c4c4544-0042', 'vm-4C4C4544-0042', 'hq/vm-4c4c4544-0042', 'db'])('%s means one by another id', (text) => {
    expect(meansGuest(guestAddress(text), named)).toBe(true)
  })

  it('tells an id from what may be a name', () => {
    expect(guestAddress('hq/vm-100')).toEqual({ text: 'hq/vm-100', site: 'hq', kind: 'vm', id: '100' })
    expect(guestAddress('100')).toEqual({ text: '100', id: '100' })
    expect(guestAddress('hq/web')).toEqual({ text: 'hq/web' })
  })
})

import { describe, expect, it } from 'vitest'
import { leftoverOf, placeOf } from '../../../functions/writers/place.ts'

const target = { node: 'pve1', folder: '/var/lib/vz/dump/', name: 'a-b.vma', token: 'a1b2c3d4', sizeBytes: 1 }

describe('the place of a file that is brought', () => {
  it('is in the folder as the account sees it', () => {
    expect(placeOf(target, { from: '/var/lib/vz', to: '' })).toEqual({
      folder: '/dump/',
      temporary: '/dump/guestlift-restore-a1b2c3d4-a-b.vma.partial',
      final: '/dump/a-b.vma',
    })
  })

  it('tells by the temporary name whose leftover it is', () => {
    const name = placeOf(target, undefined).temporary.split('/').at(-1) ?? ''
    expect(leftoverOf(name)).toEqual({ token: 'a1b2c3d4', name: 'a-b.vma' })
    for (const other of ['a-b.vma', 'vzdump-qemu-100.partial', 'guestlift-restore--x.partial', `${name}.old`]) {
      expect(leftoverOf(other)).toBeUndefined()
    }
  })
})

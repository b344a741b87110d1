import { describe, expect, test } from 'vitest'
import { identityIn, identityOf } from '../../../../functions/domain/identity/embedded-identity.ts'

const uuid = '9A1B2C3D-0000-4000-8000-0123456789AB'

describe('a VM', () => {
  test('is who its SMBIOS uuid says, in lower case, with its creation as witness', () => {
    const text = `#smbios1: uuid=11111111-1111-4111-8111-111111111111\nname: web\nmeta: creation-qemu=11.0.0,ctime=1763900000\nsmbios1: uuid=${uuid}\n`
    expect(identityIn('vm', text)).toEqual({ id: `smbios:${uuid.toLowerCase()}`, witness: 'ctime:1763900000' })
  })

  test('has no witness where its configuration is older than that field', () => {
    expect(identityIn('vm', `smbios1: uuid=${uuid}\r\n`)).toEqual({ id: `smbios:${uuid.toLowerCase()}` })
  })

  test('has the same identity when other fields of it are encoded', () => {
    const value = `base64=1,manufacturer=QUNNRQ==,uuid=${uuid}`
    expect(identityOf('vm', { smbios1: value })).toEqual({ id: `smbios:${uuid.toLowerCase()}` })
  })

  test.each([
    ['without the field', 'name: web\n'],
    ['with other fields of it alone', 'smbios1: serial=12\n'],
    ['with text in place of a uuid', 'smbios1: uuid=the-web-server\n'],
    ['with a uuid of zeroes', 'smbios1: uuid=00000000-0000-0000-0000-000000000000\n'],
    ['with one in a snapshot alone', `name: web\n\n[before]\nsmbios1: uuid=${uuid}\n`],
  ])('has none %s', (_, text) => {
    expect(identityIn('vm', text)).toBeUndefined()
  })

  test('is never known by a network card', () => {
    expect(identityIn('vm', 'net0: virtio=BC:24:11:00:00:01,bridge=vmbr0\n')).toBeUndefined()
  })
})

describe('a container', () => {
  test('is who the address of its lowest numbered interface says', () => {
    const text =
      'hostname: app\nnet10: name=eth10,hwaddr=BC:24:11:00:00:10\nnet2: name=eth0,bridge=vmbr0,hwaddr=BC:24:11:AB:CD:EF,ip=dhcp,type=veth\n'
    expect(identityIn('container', text)).toEqual({ id: 'hwaddr:bc:24:11:ab:cd:ef' })
  })

  test.each([
    ['without network', 'hostname: app\nrootfs: local:101/vm-101-disk-0.raw,size=8G\n'],
    ['with an interface without address', 'net0: name=eth0,bridge=vmbr0\n'],
    ['with an address in a snapshot alone', 'hostname: app\n[before]\nnet0: hwaddr=BC:24:11:00:00:01\n'],
    ['with an address of zeroes', 'net0: name=eth0,hwaddr=00:00:00:00:00:00\n'],
  ])('has none %s', (_, text) => {
    expect(identityIn('container', text)).toBeUndefined()
  })
})

test('the same values tell the same identity, from the platform and from an archive', () => {
  const values = { smbios1: `uuid=${uuid}`, meta: 'ctime=5' }
  expect(identityOf('vm', values)).toEqual(identityIn('vm', 'smbios1: uuid=' + uuid + '\nmeta: ctime=5\n'))
})

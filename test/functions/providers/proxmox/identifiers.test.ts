import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { apiPath, apiQuery } from '../../../../functions/providers/proxmox/api-path.ts'
import {
  backupVolid,
  formatArchiveName,
  formatUpid,
  formatVolid,
  parseArchiveName,
  parseUpid,
  parseVolid,
} from '../../../../functions/providers/proxmox/identifiers.ts'

const nodeName = fc.stringMatching(/^[A-Za-z0-9]([A-Za-z0-9-]{0,20}[A-Za-z0-9])?$/)
const upid = fc.record({
  node: nodeName,
  pid: fc.integer({ min: 0, max: 0xffffffff }),
  processStart: fc.integer({ min: 0, max: 0xfffffffff }),
  startTime: fc.integer({ min: 0, max: 0xffffffff }),
  type: fc.constantFrom('vzdump', 'imgdel', 'qmrestore'),
  id: fc.oneof(fc.constant(''), fc.integer({ min: 100, max: 999_999_999 }).map(String), fc.constant('100@store')),
  user: fc.constantFrom('root@pam', 'backup@pve!client', 'a.b-c@my.realm!tok_en'),
})
const storage = fc.stringMatching(/^[A-Za-z][A-Za-z0-9._-]{0,20}[A-Za-z0-9]$/)
const archiveName = fc.record({
  type: fc.constantFrom('qemu' as const, 'lxc' as const),
  vmid: fc.integer({ min: 100, max: 999_999_999 }).map(String),
  localTime: fc
    .date({ min: new Date('1970-01-01'), max: new Date('2099-12-31'), noInvalidDate: true })
    .map((date) => date.toISOString().slice(0, 19).replaceAll('-', '_').replace('T', '-').replaceAll(':', '_')),
  extension: fc.constantFrom('vma', 'vma.zst', 'vma.gz', 'vma.lzo', 'tar', 'tar.zst', 'tar.gz', 'tar.bz2', 'tgz'),
})

describe('task ids', () => {
  it('are read and written back exactly', () => {
    fc.assert(
      fc.property(upid, (one) => {
        expect(parseUpid(formatUpid(one))).toEqual(one)
      }),
    )
  })

  it('hold node, start and owner', () => {
    expect(parseUpid('UPID:pve1:00002A6B:0003CD3D:6B0327F1:vzdump:101:backup@pve!client:')).toEqual({
      node: 'pve1',
      pid: 10859,
      processStart: 249149,
      startTime: 1795368945,
      type: 'vzdump',
      id: '101',
      user: 'backup@pve!client',
    })
  })

  it.each([
    'OK',
    '',
    'UPID:broken',
    'UPID:pve1:00002A6B:0003CD3D:6B0327F1:vzdump:101:backup@pve!client',
    'UPID:pve 1:00002A6B:0003CD3D:6B0327F1:vzdump:101:backup@pve:',
    'UPID:pve1:2A6B:0003CD3D:6B0327F1:vzdump:101:backup@pve:',
    'UPID:pve1:00002A6B:0003CD3D:6B0327F1:vz/dump:101:backup@pve:',
    ' UPID:pve1:00002A6B:0003CD3D:6B0327F1:vzdump:101:backup@pve:',
    'UPID:pve1:00002A6B:0003CD3D:6B0327F1:vzdump:101:backup@pve:\n',
  ])('are not read from %j', (text) => {
    expect(parseUpid(text)).toBeUndefined()
  })

  it('of any text parse to what formats to the same text, or not at all', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), upid.map(formatUpid)), (text) => {
        const parsed = parseUpid(text)
        expect(parsed === undefined || formatUpid(parsed).toUpperCase() === text.toUpperCase()).toBe(true)
      }),
    )
  })
})

describe('volume ids', () => {
  it('are read and written back exactly', () => {
    fc.assert(
      fc.property(storage, archiveName.map(formatArchiveName), (name, file) => {
        const text = backupVolid(name, file)
        expect(parseVolid(text)).toEqual({ storage: name, volume: `backup/${file}` })
        expect(formatVolid(parseVolid(text) ?? { storage: '', volume: '' })).toBe(text)
      }),
    )
  })

  it.each(['', 'store', ':backup/x', '1store:backup/x', 'store:', 'store: '])('are not read from %j', (text) => {
    expect(parseVolid(text)).toBeUndefined()
  })
})

describe('archive names', () => {
  it('are read and written back exactly', () => {
    fc.assert(
      fc.property(archiveName, (one) => {
        expect(parseArchiveName(formatArchiveName(one))).toEqual(one)
      }),
    )
  })

  it.each([
    'vzdump-qemu-100-2026_11_22-17_34_51.vma.dat',
    'vzdump-qemu-100-2026_11_22-17_34_51.log',
    'vzdump-qemu-99-2026_11_22-17_34_51.vma',
    'vzdump-qemu-0100-2026_11_22-17_34_51.vma',
    'vzdump-openvz-100-2026_11_22-17_34_51.tar',
    'vzdump-lxc-100-renamed.tar.zst',
    '../vzdump-lxc-100-2026_11_22-17_34_51.tar',
    'vzdump-lxc-100-2026_11_22-17_34_51.tar.zst.notes',
  ])('are not read from %j', (name) => {
    expect(parseArchiveName(name)).toBeUndefined()
  })
})

describe('API paths', () => {
  it('keep what is fixed and encode what is inserted, so that it decodes to itself and adds no segment', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        const path = apiPath`/nodes/${value}/status`
        const [, nodes, inserted = '', status, ...more] = path.split('/')
        expect([nodes, status, more]).toEqual(['nodes', 'status', []])
        expect(path).toMatch(/^[\w./~%-]*$/)
        expect(decodeURIComponent(inserted)).toBe(value.toWellFormed())
      }),
    )
  })

  it('are as recorded clients write them', () => {
    expect(apiPath`/tasks/${'UPID:pve1:00000001:00000002:6B000000:vzdump:100:backup@pve!client:'}/log`).toBe(
      '/tasks/UPID%3Apve1%3A00000001%3A00000002%3A6B000000%3Avzdump%3A100%3Abackup%40pve%21client%3A/log',
    )
    expect(apiQuery({ limit: 0, start: 0, x: 'a&b=c' })).toBe('?limit=0&start=0&x=a%26b%3Dc')
  })
})

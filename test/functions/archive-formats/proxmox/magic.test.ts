import { describe, expect, it } from 'vitest'
import { compressionByMagic, formatByMagic } from '../../../../functions/archive-formats/proxmox/magic.ts'
import { readArchiveName } from '../../../../functions/archive-formats/proxmox/file-name.ts'
import { containerTar } from './made-archives.ts'

describe('the first bytes of a file', () => {
  it.each([
    ['28b52ffd', 'zstd'],
    ['502a4d18', 'zstd'],
    ['5f2a4d1800', 'zstd'],
    ['28b52f', 'none'],
    ['fd2fb528', 'none'],
    ['1f8b08', 'gzip'],
    ['1f8b080000', 'gzip'],
    ['1f8b', 'none'],
    ['1f8b07', 'none'],
    ['894c5a4f000d0a1a0a', 'lzo'],
    ['894c5a4f000d0a1a0aff', 'lzo'],
    ['894c5a4f000d0a1a', 'none'],
    ['894c5a4f000d0a1a0b', 'none'],
    ['', 'none'],
    ['425a6839', 'none'],
  ])('%s are those of %s', (bytes, compression) => {
    expect(compressionByMagic(Buffer.from(bytes, 'hex'))).toBe(compression)
  })
})

describe('the first bytes of a content', () => {
  const tar = containerTar().subarray(0, 1024)

  it('are a VMA’s by its mark, however few there are', () => {
    expect(formatByMagic(Buffer.from('VMA\0'))).toBe('vma')
    expect(formatByMagic(Buffer.from('VMA\0\0\0\0\x01'))).toBe('vma')
    expect(formatByMagic(Buffer.from('VMA1'))).toBeUndefined()
    expect(formatByMagic(Buffer.from('VM'))).toBeUndefined()
  })

  it('are a tar’s by the sum over its whole first header', () => {
    expect(formatByMagic(tar.subarray(0, 512))).toBe('tar')
    expect(formatByMagic(tar)).toBe('tar')
    expect(formatByMagic(tar.subarray(0, 511))).toBeUndefined()
    expect(formatByMagic(Buffer.alloc(512))).toBeUndefined()
  })
})

describe('the name of an archive', () => {
  const vm = { kind: 'vm', id: '100' }
  const container = { kind: 'container', id: '101' }

  it.each([
    ['vzdump-qemu-100-2026_11_22-02_00_00.vma', { guest: vm, format: 'vma', compression: 'none' }],
    ['vzdump-qemu-100-2026_11_22-02_00_00.vma.zst', { guest: vm, format: 'vma', compression: 'zstd' }],
    ['vzdump-qemu-100-2026_11_22-02_00_00.vma.gz', { guest: vm, format: 'vma', compression: 'gzip' }],
    ['vzdump-qemu-100-2026_11_22-02_00_00.vma.lzo', { guest: vm, format: 'vma', compression: 'lzo' }],
    ['vzdump-lxc-101-2026_11_22-02_00_00.tar', { guest: container, format: 'tar', compression: 'none' }],
    ['vzdump-lxc-101-2026_11_22-02_00_00.tar.bz2', { guest: container, format: 'tar', compression: 'other' }],
    ['vzdump-openvz-101-2011_11_22-02_00_00.tgz', { guest: container, format: 'tar', compression: 'gzip' }],
    ['mine.tar.zst', { format: 'tar', compression: 'zstd' }],
    ['old-vzdump-lxc-101-x.tar', { format: 'tar', compression: 'none' }],
    ['vzdump-lxc-101.tar', { format: 'tar', compression: 'none' }],
  ])('%s says what it is of', (name, told) => {
    expect(readArchiveName(name)).toEqual(told)
  })

  it.each(['disk-0.qcow2', 'vzdump-qemu-100-x.vma.zst.notes', 'vzdump-qemu-100-x.log', 'vma', 'x.vma.xz'])(
    '%s is none',
    (name) => {
      expect(readArchiveName(name)).toBeUndefined()
    },
  )
})

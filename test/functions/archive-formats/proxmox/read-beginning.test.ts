import { gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { BEGINNING_BYTES, readBeginning } from '../../../../functions/archive-formats/proxmox/read-beginning.ts'
import {
  compressed,
  containerConfiguration,
  containerTar,
  diskless,
  has,
  suffixes,
  vma,
  vmConfiguration,
} from './made-archives.ts'

const archives = { vm: await vma(), container: containerTar() }
const vmName = 'vzdump-qemu-100-2026_11_22-02_00_00.vma'
const tarName = 'vzdump-lxc-101-2026_11_22-02_00_00.tar'
const beginningOf = (bytes: Buffer) => bytes.subarray(0, BEGINNING_BYTES)

describe.each(['none', 'zstd', 'gzip', 'lzo'] as const)('the beginning of an archive: %s', (name) => {
  it('tells the guest’s configuration', async ({ skip }) => {
    if (!has(name)) return skip(`no ${name} here`)
    expect(await readBeginning(beginningOf(compressed(archives.vm, name)), vmName + suffixes[name])).toEqual({
      configuration: { name: 'qemu-server.conf', text: vmConfiguration },
    })
    expect(await readBeginning(beginningOf(compressed(archives.container, name)), tarName + suffixes[name])).toEqual({
      configuration: { name: 'pct.conf', text: containerConfiguration },
    })
  })

  it('says nothing against one that is cut off anywhere', async ({ skip }) => {
    if (!has(name)) return skip(`no ${name} here`)
    const [vm, container] = [compressed(archives.vm, name), compressed(archives.container, name)]
    for (const end of [20, 100, 600, 5_000, 100_000]) {
      expect((await readBeginning(vm.subarray(0, end), vmName + suffixes[name])).problem).toBeUndefined()
      expect((await readBeginning(container.subarray(0, end), tarName + suffixes[name])).problem).toBeUndefined()
    }
  })
})

it('tells the configuration of an archive that goes on far beyond its beginning', async () => {
  const content = await vma({ clusters: 1_400 })
  const bytes = zstdCompressSync(content)
  expect(bytes.length).toBeGreaterThan(2 * BEGINNING_BYTES)
  expect((await readBeginning(beginningOf(bytes), `${vmName}.zst`)).configuration?.text).toBe(vmConfiguration)
  const gzip = gzipSync(content, { level: 1 })
  expect((await readBeginning(beginningOf(gzip), `${vmName}.gz`)).configuration?.text).toBe(vmConfiguration)
})

it('tells the configuration of a container whose beginning ends within a later member', async () => {
  const { configuration } = await readBeginning(archives.container.subarray(0, 20_000), tarName)
  expect(configuration).toEqual({ name: 'pct.conf', text: containerConfiguration })
})

it('tells a long configuration', async () => {
  const config = `${vmConfiguration}#${'long '.repeat(12_000)}\n`
  for (const name of ['none', 'gzip'] as const) {
    const bytes = beginningOf(compressed(await vma({ config }), name))
    expect((await readBeginning(bytes, vmName + suffixes[name])).configuration?.text).toBe(config)
  }
})

it('tells nothing of a VMA without a configuration', async () => {
  expect(await readBeginning(beginningOf(await diskless([])), vmName)).toEqual({})
})

it('reads no further than it needs where a few bytes make megabytes', async () => {
  const first = Buffer.concat([zstdCompressSync(Buffer.alloc(8 * 1024 * 1024)), zstdCompressSync(archives.vm)])
  let furthest = 0
  first.subarray = (from, to) => {
    furthest = Math.max(furthest, to ?? 0)
    return Buffer.prototype.subarray.call(first, from, to)
  }
  expect((await readBeginning(first, `${vmName}.zst`)).problem).toMatch(/its content begins as something else/)
  expect(furthest).toBeGreaterThan(0)
  expect(furthest).toBeLessThan(first.length / 2)
})

describe('a beginning that plainly is no archive of that name', () => {
  it.each([
    ['a little noise', Buffer.alloc(512, 'noise'), vmName, /should hold a vma; its content begins as something else/],
    ['noise', Buffer.alloc(4_096, 'noise'), vmName, /should hold a vma; its content begins as something else/],
    ['a tar for a VMA', archives.container, vmName, /should hold a vma; its content begins as tar/],
    ['a VMA for a tar', archives.vm, tarName, /should hold a tar; its content begins as vma/],
    [
      'no zstd',
      archives.vm,
      `${vmName}.zst`,
      /should begin as zstd data by its name; its first bytes are no compression/,
    ],
    ['a page of a web server', Buffer.from('<html>502</html>'.repeat(99)), `${tarName}.gz`, /should begin as gzip/],
  ])('is told: %s', async (_what, bytes, fileName, problem) => {
    expect((await readBeginning(beginningOf(bytes), fileName)).problem).toMatch(problem)
  })

  it('is told of a VMA whose header is damaged', async () => {
    const bytes = Buffer.from(beginningOf(archives.vm))
    bytes[5_000] = 1
    expect((await readBeginning(bytes, vmName)).problem).toMatch(/does not fit its MD5/)
  })
})

describe('a beginning that nothing is known of', () => {
  it.each([
    ['another name', Buffer.from('anything'), 'disk-0.qcow2'],
    ['another compressor', Buffer.from('BZh9'), `${tarName}.bz2`],
    ['fewer bytes than a header', Buffer.alloc(511, 'noise'), vmName],
  ])('is left alone: %s', async (_what, bytes, fileName) => {
    expect(await readBeginning(bytes, fileName)).toEqual({})
  })
})

it('leaves out the hash of a password', async () => {
  const config = `${vmConfiguration}cipassword: $5$abc$def\nciuser: me\n`
  const { configuration } = await readBeginning(beginningOf(await vma({ config })), vmName)
  expect(configuration?.text).toContain('cipassword: (left out)\nciuser: me')
})

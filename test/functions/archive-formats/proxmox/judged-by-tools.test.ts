/** Files as people's tools make them with all their options, judged by the very commands that a Proxmox restore runs. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { zstdCompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { readArchive } from '../../../../functions/archive-formats/proxmox/read-archive.ts'
import { readBeginning } from '../../../../functions/archive-formats/proxmox/read-beginning.ts'
import { compressed, containerConfiguration, containerTar, has, inChunks, vma } from './made-archives.ts'

const vm = await vma()
const zeroes = Buffer.alloc(4_096)
const vmName = 'vzdump-qemu-100-2026_11_22-02_00_00.vma'
const tarName = 'vzdump-lxc-101-2026_11_22-02_00_00.tar'

/** A frame that holds nothing of the content, as pzstd writes one in front of each of its own. */
function skippable(content: Buffer): Buffer {
  const head = Buffer.alloc(8)
  head.writeUInt32LE(0x184d2a50)
  head.writeUInt32LE(content.length, 4)
  return Buffer.concat([head, content])
}

/** What the restore's own decompressor says. `undefined`: it isn't on this machine. */
function toolAccepts(command: string[], file: Buffer, content: Buffer): boolean | undefined {
  const [tool = '', ...flags] = command
  const { status, stdout, error } = spawnSync(tool, flags, { input: file, maxBuffer: 2 ** 30 })
  if (error !== undefined) return undefined
  return status === 0 && stdout.equals(content)
}

const tools = { zst: ['zstd', '-q', '-d', '-c'], gz: ['gzip', '-d', '-c'], lzo: ['lzop', '-d', '-c'] }

describe.each([
  [
    'a frame without content in front',
    'zst',
    () => Buffer.concat([skippable(Buffer.from('note')), zstdCompressSync(vm)]),
  ],
  [
    'several frames',
    'zst',
    () => Buffer.concat([zstdCompressSync(vm.subarray(0, 70_000)), zstdCompressSync(vm.subarray(70_000))]),
  ],
  ['a frame without content behind', 'zst', () => Buffer.concat([zstdCompressSync(vm), skippable(Buffer.alloc(0))])],
  ['level 19 and a long window', 'zst', () => compressed(vm, 'zstd', ['-19', '--long=27'])],
  ['a window that is too long', 'zst', () => compressed(vm, 'zstd', ['--long=30', '--no-check'])],
  ['a single segment', 'zst', () => compressed(vm, 'zstd', [`--stream-size=${vm.length}`])],
  ['zeroes behind', 'zst', () => Buffer.concat([zstdCompressSync(vm), zeroes])],
  ['zeroes behind', 'gz', () => Buffer.concat([compressed(vm, 'gzip'), zeroes])],
  ['one zero behind', 'gz', () => Buffer.concat([compressed(vm, 'gzip'), zeroes.subarray(0, 1)])],
  [
    'two members',
    'gz',
    () => Buffer.concat([compressed(vm.subarray(0, 70_000), 'gzip'), compressed(vm.subarray(70_000), 'gzip')]),
  ],
  ['zeroes and something behind', 'gz', () => Buffer.concat([compressed(vm, 'gzip'), zeroes, Buffer.from('x')])],
  ['something behind', 'gz', () => Buffer.concat([compressed(vm, 'gzip'), Buffer.from('x')])],
  ['zeroes behind', 'lzo', () => Buffer.concat([compressed(vm, 'lzo'), zeroes])],
  ['three zeroes behind', 'lzo', () => Buffer.concat([compressed(vm, 'lzo'), zeroes.subarray(0, 3)])],
  ['zeroes and something behind', 'lzo', () => Buffer.concat([compressed(vm, 'lzo'), zeroes, Buffer.from('x')])],
  ['something behind', 'lzo', () => Buffer.concat([compressed(vm, 'lzo'), Buffer.from('x')])],
  [
    'two members',
    'lzo',
    () => Buffer.concat([compressed(vm.subarray(0, 70_000), 'lzo'), compressed(vm.subarray(70_000), 'lzo')]),
  ],
  ['the best compression and other sums', 'lzo', () => compressed(vm, 'lzo', ['-9', '--crc32'])],
  ['no sums', 'lzo', () => compressed(vm, 'lzo', ['-F'])],
] as const)('a file with %s, .%s', (_what, suffix, make) => {
  it('is accepted exactly where the restore’s own decompressor accepts it', async ({ skip }) => {
    const compression = ({ zst: 'zstd', gz: 'gzip', lzo: 'lzo' } as const)[suffix]
    if (!has(compression)) return skip(`no ${compression} here`)
    const file = make()
    const accepted = toolAccepts(tools[suffix], file, vm)
    const reading = await readArchive(inChunks(file), { fileName: `${vmName}.${suffix}` })
    expect(`${reading.result} ${reading.findings.map(({ message }) => message).join(' ')}`).toMatch(
      accepted === true ? /^accepted $/ : /^refused ./,
    )
    // A first look at an archive never refuses what reading all of it accepts.
    const { problem } = await readBeginning(file.subarray(0, 2 ** 20), `${vmName}.${suffix}`)
    expect(accepted === true && problem !== undefined).toBe(false)
  })
})

it('says of a long window what it takes and how to mend it, and calls it no damage', async ({ skip }) => {
  if (!has('zstd')) return skip('no zstd here')
  const { findings } = await readArchive(inChunks(compressed(vm, 'zstd', ['--long=30'])), { fileName: `${vmName}.zst` })
  expect(findings.map(({ code }) => code)).toContain('zstd-window')
  expect(findings[0]?.message).toMatch(/takes 1024 MiB of memory.*zstd -d --long=30/)
  expect(findings.map(({ message }) => message).join()).not.toMatch(/damaged/)
})

describe('a container’s archive', () => {
  it.each([
    ['v7', ['--format=v7']],
    ['oldgnu', ['--format=oldgnu', '--sparse']],
    ['gnu', ['--format=gnu', '--sparse']],
    ['ustar', ['--format=ustar']],
    ['posix', ['--format=posix', '--sparse']],
    ['labelled', ['--format=gnu', '--label=nightly']],
    ['labelled posix', ['--format=posix', '--label=nightly']],
    ['in records of one block', ['--format=gnu', '--blocking-factor=1']],
  ])('of the form %s is accepted, as tar does', async (_form, flags) => {
    const root = mkdtempSync(join(tmpdir(), 'guestlift-forms-'))
    try {
      mkdirSync(join(root, 'etc/vzdump'), { recursive: true })
      writeFileSync(join(root, 'etc/vzdump/pct.conf'), containerConfiguration)
      writeFileSync(join(root, 'etc/hostname'), 'db1\n')
      const tar = spawnSync('tar', ['cf', '-', '-C', root, ...flags, './etc/vzdump/pct.conf', './etc'], {
        maxBuffer: 2 ** 26,
      })
      expect(tar.status).toBe(0)
      expect(spawnSync('tar', ['tf', '-'], { input: tar.stdout }).status).toBe(0)
      const reading = await readArchive(inChunks(tar.stdout), { fileName: tarName })
      expect(reading.findings).toEqual([])
      expect(reading.evidence.configuration?.text).toBe(containerConfiguration)
      expect(await readBeginning(tar.stdout, tarName)).toEqual({
        configuration: { name: 'pct.conf', text: containerConfiguration },
      })
    } finally {
      rmSync(root, { recursive: true })
    }
  })

  it('of v7 is refused for a flipped bit of a header', async () => {
    const tar = containerTar({ format: 'gnu' })
    const bad = Buffer.from(tar)
    bad[0] = (bad[0] ?? 0) ^ 1
    expect((await readArchive(inChunks(bad), { fileName: tarName })).result).toBe('refused')
  })
})

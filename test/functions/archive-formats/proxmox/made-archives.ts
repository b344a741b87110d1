/** Archives to read: VMAs by the lab's writer, tars and compressed files by the machine's own tools. */
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Compression } from '../../../../functions/contracts/verification.ts'
import { writeVma } from '../../../../local/labs/proxmox/vma-writer.ts'

export const vmConfiguration = [
  'cores: 2',
  'name: web1',
  'scsi0: local:vm-100-disk-0,size=1G',
  '#qmdump#map:scsi0:drive-scsi0:local:raw:',
  '#qmdump#map:efidisk0:drive-efidisk0:local:raw:',
  '',
].join('\n')

export const containerConfiguration = 'arch: amd64\nhostname: db1\nrootfs: local:101/vm-101-disk-0.raw,size=8G\n'

/** A VM of two disks; the first ends within a block. About 1.5 MB. */
export async function vma({ config = vmConfiguration, clusters = 90, seed = 1 } = {}): Promise<Buffer> {
  const disks = [
    { deviceName: 'drive-scsi0', sizeBytes: clusters * 65_536 + 5_000, seed, zero: 0.7, compressible: 0.5 },
    { deviceName: 'drive-efidisk0', sizeBytes: 540_672, seed: seed + 1, zero: 0.5, compressible: 0.5 },
  ]
  const uuid = Buffer.from('00112233445566778899aabbccddeeff', 'hex')
  const input = { uuid, ctime: 1_795_312_800, configs: [{ name: 'qemu-server.conf', text: config }], disks }
  const parts: Buffer[] = []
  for await (const part of writeVma(input)) parts.push(part)
  return Buffer.concat(parts)
}

export async function diskless(configs = [{ name: 'qemu-server.conf', text: 'cores: 1\n' }]): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of writeVma({ uuid: Buffer.alloc(16, 7), ctime: 1, configs, disks: [] })) parts.push(part)
  return Buffer.concat(parts)
}

/** Where each extent of a VMA starts, and its end. */
export function extentsOf(archive: Buffer): { start: number; end: number }[] {
  const found: { start: number; end: number }[] = []
  let start = archive.readUInt32BE(56)
  while (start < archive.length) {
    const end = start + 512 + archive.readUInt16BE(start + 6) * 4096
    found.push({ start, end })
    start = end
  }
  return found
}

/**
 * A container's archive by the machine's GNU tar with the flags of the platform: long names, links, a sparse file, an
 * extended attribute where the file system has them.
 */
export function containerTar({ format = 'posix' }: { format?: 'posix' | 'gnu' } = {}): Buffer {
  const root = mkdtempSync(join(tmpdir(), 'guestlift-tar-'))
  try {
    const deep = join(root, 'srv', 'a'.repeat(90), 'b'.repeat(90), 'c'.repeat(90))
    for (const folder of [join(root, 'etc/vzdump'), deep]) mkdirSync(folder, { recursive: true })
    writeFileSync(join(root, 'etc/vzdump/pct.conf'), containerConfiguration)
    writeFileSync(join(root, 'etc/vzdump/pct.fw'), '')
    writeFileSync(join(deep, `${'ü'.repeat(40)}.txt`), 'deep')
    for (let size = 0; size < 40; size += 1) writeFileSync(join(root, 'srv', `file-${size}`), 'x'.repeat(size * 97))
    symlinkSync('a'.repeat(180), join(root, 'srv/link'))
    linkSync(join(root, 'srv/file-9'), join(root, 'srv/hard'))
    writeFileSync(join(root, 'srv/sparse'), 'begin')
    truncateSync(join(root, 'srv/sparse'), 3_000_000)
    chmodSync(join(root, 'srv/file-3'), 0o4755)
    spawnSync('setfattr', ['-n', 'user.note', '-v', 'kept', join(root, 'srv/file-2')])
    const flags = ['--sparse', '--numeric-owner', '--acls', '--xattrs', '--xattrs-include=user.*']
    const kind = format === 'gnu' ? ['--format=gnu', '--sparse', '--numeric-owner'] : ['--format=posix', ...flags]
    const members = ['./etc/vzdump/pct.conf', './etc/vzdump/pct.fw', './srv']
    return execFileSync('tar', ['cf', '-', '-C', root, ...kind, ...members], { maxBuffer: 2 ** 30 })
  } finally {
    rmSync(root, { recursive: true })
  }
}

const commands: Record<Exclude<Compression, 'none'>, string[]> = {
  zstd: ['zstd', '-c', '-q'],
  gzip: ['gzip', '-c', '--rsyncable'],
  lzo: ['lzop', '-c'],
}

export const suffixes: Record<Compression, string> = { none: '', zstd: '.zst', gzip: '.gz', lzo: '.lzo' }

export function has(compression: Compression): boolean {
  return compression === 'none' || spawnSync(commands[compression][0] ?? '', ['--version']).status === 0
}

/** The bytes through the machine's own compressor. */
export function compressed(content: Buffer, compression: Compression, options: string[] = []): Buffer {
  if (compression === 'none') return content
  const [command = '', ...flags] = commands[compression]
  return execFileSync(command, [...flags, ...options], { input: content, maxBuffer: 2 ** 30 })
}

export async function* inChunks(bytes: Buffer, chunkBytes = 65_536): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes)
}

import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { BLOCK_BYTES, Disk, GIB } from '../../../../local/labs/ec2/disk.ts'
import { ext4Content, ext4Fault } from '../../../../local/labs/ec2/file-systems.ts'

const MIB = 1024 ** 2
const hasTools =
  spawnSync('sh', ['-c', 'command -v mkfs.ext4'], {
    env: { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin` },
  }).status === 0
if (!hasTools) console.warn('skipped: no mkfs.ext4')

it.skipIf(!hasTools)('a disk holds a real file system, of which only the written blocks count', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ec2-lab-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const [files, image, saved] = [join(folder, 'files'), join(folder, 'image'), join(folder, 'saved')]
  mkdirSync(files)
  writeFileSync(join(files, 'hello.txt'), 'hello')
  const content = ext4Content(image, 64 * MIB, files)
  expect(content.blocks.length).toBeGreaterThan(1)
  expect(content.blocks.length).toBeLessThan((64 * MIB) / BLOCK_BYTES / 2)

  const disk = new Disk(1, content)
  disk.saveTo(saved)
  expect(statSync(saved)).toMatchObject({ size: GIB })
  expect(statSync(saved).blocks * 512).toBeLessThan(32 * MIB)
  expect(ext4Fault(saved)).toBe('')
  truncateSync(saved, 64 * MIB)
  expect(Buffer.compare(readFileSync(saved), readFileSync(image))).toBe(0)

  const superblock = disk.read(0).slice()
  superblock.fill(0xff, 1024, 2048)
  disk.write(0, superblock)
  disk.saveTo(saved)
  expect(ext4Fault(saved)).not.toBe('')
})

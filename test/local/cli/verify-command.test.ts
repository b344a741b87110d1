import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { crc32 } from 'node:zlib'
import { afterAll, describe, expect, it } from 'vitest'
import { verificationSchema } from '../../../functions/contracts/verification.ts'
import { crc32ToBase64 } from '../../../functions/domain/crc32.ts'
import { manifestOf } from '../../fakes/manifest.ts'
import { compressed, containerTar, has, vma } from '../../functions/archive-formats/made-archives.ts'

const folder = mkdtempSync(join(tmpdir(), 'guestlift-verify-'))
afterAll(() => rmSync(folder, { recursive: true }))

const bin = fileURLToPath(new URL('../../../bin/guestlift.ts', import.meta.url))

function guestlift(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [bin, ...args], (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
    )
  })
}

function file(name: string, bytes: Buffer | string): string {
  const path = join(folder, name)
  writeFileSync(path, bytes)
  return path
}

const vmName = 'vzdump-qemu-100-2026_11_22-02_00_00.vma'

describe('guestlift verify --local', () => {
  it('accepts an archive and says what is in it', async () => {
    const path = file(vmName, await vma())
    const { code, stdout } = await guestlift('verify', '--local', path)
    expect(code).toBe(0)
    expect(stdout).toContain('accepted')
    expect(stdout).toContain('vm 100, vma, not compressed')
    expect(stdout).toMatch(/drive-scsi0 +5\.6 MiB +91 of 91 clusters/)
    expect(stdout).toContain('There is no manifest beside the file')
  })

  it('refuses a damaged one with what is wrong and where, as JSON too', async ({ skip }) => {
    if (!has('zstd')) return skip('no zstd here')
    const whole = compressed(containerTar(), 'zstd')
    const path = file('vzdump-lxc-101-2026_11_22-02_00_00.tar.zst', whole.subarray(0, -1_000))
    const told = await guestlift('verify', '--local', path)
    expect(told.code).toBe(1)
    expect(told.stdout).toMatch(/REFUSED\n {2}- .*ends.*\[zstd-cut-short, byte \d+ of the file\]/)
    const json = await guestlift('verify', '--local', path, '--json')
    expect(json.code).toBe(1)
    expect(verificationSchema.parse(JSON.parse(json.stdout))).toMatchObject({ version: 1, result: 'refused' })
  })

  it('compares with the manifest, which sees what the format can’t', async () => {
    const bytes = await vma()
    const path = file(vmName, bytes)
    const manifest = manifestOf('2026-11-22T02:00:00.000Z', [bytes.length], {
      id: '100',
      kind: 'vm',
      name: 'web1',
      node: 'pve1',
    })
    const [artifact] = manifest.artifacts
    const own = { ...artifact, fileName: vmName, checksum: `CRC32:${crc32ToBase64(crc32(bytes))}` }
    const beside = file('own.json', JSON.stringify({ ...manifest, artifacts: [own] }))
    expect((await guestlift('verify', '--local', path, '--manifest', beside)).code).toBe(0)
    const middle = bytes.length - 100
    bytes[middle] = (bytes[middle] ?? 0) ^ 1
    file(vmName, bytes)
    const { code, stdout } = await guestlift('verify', '--local', path, '--manifest', beside)
    expect(code).toBe(1)
    expect(stdout).toContain('it is not what was archived')
  })

  it('says so when there is nothing to read', async () => {
    const missing = await guestlift('verify', '--local', join(folder, 'nothing.vma'))
    expect(missing).toMatchObject({ code: 1, stderr: expect.stringMatching(/can't be read/) })
    expect((await guestlift('verify', '--local', folder)).stderr).toMatch(/is not a file/)
    expect((await guestlift('verify')).code).toBe(64)
  })
})

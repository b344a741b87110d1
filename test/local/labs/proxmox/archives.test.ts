import { execFileSync, spawnSync } from 'node:child_process'
import { createReadStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createZstdDecompress } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkVma } from '../../../../local/labs/proxmox/vma-check.ts'
import { dataOf, type TestSite, testSite } from './api-client.ts'

const installed = (program: string): boolean => spawnSync(program, ['--version']).error === undefined
const run = (program: string, ...words: string[]): string => execFileSync(program, words, { encoding: 'utf8' })

describe('archives of the lab', () => {
  let site: TestSite
  beforeAll(async () => {
    site = await testSite({ guestBytes: 3 * 1024 ** 2 })
  })
  afterAll(() => site.dispose())

  const archive = async (vmid: number, compress: string): Promise<string> => {
    const task = await site.backUp(vmid, `&compress=${compress}`)
    expect(task.status).toBe('OK')
    const named = /creating vzdump archive '.*\/([^/']+)'/.exec(task.lines.join('\n'))?.[1]
    const found = site.lab.control.archives().find((each) => each.file === named)
    return found?.path ?? 'no archive'
  }

  it.skipIf(!installed('tar'))('are tar files that tar lists, the configuration first', async () => {
    const names = run('tar', 'tf', await archive(101, '0')).split('\n')
    expect(names.slice(0, 3)).toEqual(['./etc/vzdump/pct.conf', './etc/vzdump/pct.fw', './'])
    expect(names).toContain(
      './var/lib/data/0002.log'.replace('.log', names.includes('./var/lib/data/0002.bin') ? '.bin' : '.log'),
    )
  })

  it('have the size that tar would give them, as the log says', async () => {
    const path = await archive(101, '0')
    const { length } = readFileSync(path)
    expect(length % 10_240).toBe(0)
    expect(site.lab.control.tasks()[0]?.lines.join('\n')).toContain(`Total bytes written: ${length} `)
  })

  it.skipIf(!installed('zstd'))('are zstd frames with a checksum', async () => {
    const path = await archive(101, 'zstd')
    run('zstd', '-t', path)
    const bytes = readFileSync(path)
    bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1)
    writeFileSync(`${path}.bad.zst`, bytes)
    expect(() => execFileSync('zstd', ['-t', `${path}.bad.zst`], { stdio: 'pipe' })).toThrow(/checksum/i)
    rmSync(`${path}.bad.zst`)
  })

  it.skipIf(!installed('gzip'))('are gzip files', async () => {
    expect(run('gzip', '-t', await archive(101, 'gzip'))).toBe('')
  })

  it.skipIf(!installed('lzop'))('are lzop files that give back the same VMA', async () => {
    const path = await archive(100, 'lzo')
    run('lzop', '-t', path)
    const unpacked = execFileSync('lzop', ['-d', '-c', path], { maxBuffer: 64 * 1024 ** 2 })
    const report = await checkVma(
      (async function* () {
        yield unpacked
      })(),
    )
    expect(report.devices).toHaveLength(1)
  })

  it('are VMA files that the strict reader accepts, compressed or not', async () => {
    const path = await archive(100, 'zstd')
    const report = await checkVma(createReadStream(path).pipe(createZstdDecompress()))
    expect(report.devices.map((device) => device.name)).toEqual(['drive-scsi0'])
    expect(report.configs['qemu-server.conf']).toContain('#qmdump#map:scsi0:drive-scsi0:local-lvm:raw:')
  })

  it('give their configuration over the API', async () => {
    const path = await archive(101, 'zstd')
    const volid = encodeURIComponent(`nas:backup/${path.split('/').at(-1)}`)
    const config = String(dataOf(await site.call('GET', `/nodes/pve1/vzdump/extractconfig?volume=${volid}`)))
    expect(config).toContain('hostname: db01')
  })
})

describe('a lab that is started again', () => {
  it('has its archives, tasks, credentials and keys, and its tokens and tickets still work', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'lab-again-'))
    const first = await testSite({ directory })
    const task = await first.backUp(101)
    const before = { ...first.lab, archives: first.lab.control.archives() }
    await first.lab.close()
    const second = await testSite({ directory })
    expect(second.lab.fingerprint).toBe(before.fingerprint)
    expect(second.lab.ssh.hostKey).toBe(before.ssh.hostKey)
    expect(second.lab.token).toEqual(before.token)
    expect(second.lab.users).toEqual(before.users)
    expect(second.lab.control.archives()).toEqual(before.archives)
    const status = dataOf(await second.call('GET', `/nodes/pve1/tasks/${encodeURIComponent(task.upid)}/status`))
    expect(status).toMatchObject({ status: 'stopped', exitstatus: 'OK', id: '101' })
    await second.dispose()
  })
})

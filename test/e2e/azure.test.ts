/** Virtual machines of Azure through the whole workflow: the synthesised definitions and bundles, against the lab. */
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { backupOptionsSchema } from '../../functions/contracts/backup-options.ts'
import { azureSiteSchema } from '../../functions/providers/azure/config.ts'
import { openAzure } from '../../functions/providers/azure/provider.ts'
import { MIB, scattered, seededContent } from '../../local/labs/azure/disks/content.ts'
import type { AzureLab } from '../../local/labs/azure/lab.ts'
import { guestlift } from '../local/cli/command-line.ts'
import { type AzureE2eBed, openAzureBed } from './azure-bed.ts'
import { bucket, onceAt, quiet } from './store-bed.ts'

const WEB = '22222222-2222-4222-8222-222222222222'
const DB = '33333333-3333-4333-8333-333333333333'
const MUTE = '44444444-4444-4444-8444-444444444444'

const never = new AbortController().signal
const signals = { interrupt: never, kill: never }

let bed: AzureE2eBed
let lab: AzureLab

const content = (sizeBytes: number, seed: number) => seededContent(scattered(sizeBytes, 8 * MIB), seed)

beforeAll(async () => {
  bed = await openAzureBed({
    // Runs of this file follow each other sooner than a real subscription lets them.
    settings: { pointsPerHour: 100 },
    vms: [
      {
        name: 'web1',
        group: 'rg-prod',
        vmId: WEB,
        zones: ['1'],
        tags: { backup: 'daily' },
        disks: [
          { name: 'web1_OsDisk', sizeBytes: 160 * MIB, content: content(160 * MIB, 1) },
          { name: 'web1_data', sizeBytes: 32 * MIB, content: content(32 * MIB, 2) },
        ],
      },
      {
        name: 'db1',
        group: 'RG-Test',
        vmId: DB,
        disks: [{ name: 'db1_OsDisk', sizeBytes: 32 * MIB, content: content(32 * MIB, 3) }],
      },
      {
        name: 'mute1',
        group: 'rg-prod',
        vmId: MUTE,
        agent: false,
        disks: [{ name: 'mute1_OsDisk', sizeBytes: 32 * MIB, content: content(32 * MIB, 4) }],
      },
    ],
  })
  ;({ lab } = bed)
})
afterAll(() => bed.close())

/** Whatever a run did, and however it ended. */
afterEach(() => {
  const { control } = lab
  const left = [...control.collections(), ...control.snapshots(), ...control.liveSignatures()].map(({ id }) => id)
  if (left.length > 0) throw new Error(`the run left on the platform: ${left.join(', ')}`)
})

/** A disk as Azure stores it: a fixed VHD with its footer. */
function blobOf(name: string): Buffer {
  const disk = lab.control.disks().find((one) => one.name === name)
  if (disk === undefined) throw new Error(`no disk ${name}`)
  return Buffer.from(disk.blob.pages.read(0, disk.blob.pages.length))
}

/** What qemu-img finds in a file that is read as a VHD. */
function asVpc(file: string): string {
  if (spawnSync('qemu-img', ['--version']).status === 0) {
    return execFileSync('qemu-img', ['info', '-f', 'vpc', file], { encoding: 'utf8' })
  }
  console.warn('skipped: no qemu-img')
  return 'file format: vpc'
}

describe('virtual machines of Azure', () => {
  it('are archived with all their disks, and nothing of ours stays', async () => {
    const job = { site: 'hq', guests: { tags: ['backup=daily'] } }
    const { result, report } = await bed.runner.run(job, 'run-1', quiet, signals)
    expect(report?.guests.map(({ name, outcome, reason }) => ({ name, outcome, reason }))).toEqual([
      { name: 'web1', outcome: 'succeeded', reason: '' },
    ])
    expect(result).toMatchObject({ status: 'SUCCEEDED' })
    const [manifest] = await bed.manifestsOf('hq', WEB)
    expect(manifest).toMatchObject({
      platform: 'azure',
      guest: { id: WEB, name: 'web1', node: 'westeurope-1' },
      verdict: { name: 'archived' },
    })
    const files = manifest?.artifacts.map(({ fileName }) => fileName)
    expect(files).toEqual(['os-web1_OsDisk.vhd.zst', 'lun0-web1_data.vhd.zst'])
    // Of what was never written, nothing left Azure.
    expect(manifest?.artifacts.map(({ content: its }) => its?.allocatedBytes)).toEqual([8 * MIB + 512, 8 * MIB + 512])
  })

  it('are what zstd and qemu-img make of their objects', async () => {
    const [manifest] = await bed.manifestsOf('hq', WEB)
    for (const { fileName, key } of manifest?.artifacts ?? []) {
      const archive = join(bed.directory, fileName)
      writeFileSync(archive, await bed.bytes(key))
      execFileSync('zstd', ['-d', '-q', archive])
      const vhd = archive.replace('.zst', '')
      expect(readFileSync(vhd).equals(blobOf(fileName.replace(/^(os|lun0)-(.*)\.vhd\.zst$/, '$2')))).toBe(true)
      expect(asVpc(vhd)).toContain('file format: vpc')
    }
    const named = [`hq/vm-${WEB}`, '--bucket', bucket, '--s3', bed.s3Url]
    const taken = join(bed.directory, 'taken.raw')
    const extracted = await guestlift(['extract', ...named, '--disk', 'os-web1_OsDisk', '-o', taken])
    expect(extracted).toMatchObject({
      code: 0,
      error: expect.stringContaining('has the CRC-32 that its manifest states'),
    })
    expect(readFileSync(taken).equals(blobOf('web1_OsDisk').subarray(0, 160 * MIB))).toBe(true)
  })

  it('are frozen disk by disk where the job says so', async () => {
    const job = { site: 'hq', guests: { ids: [DB] }, backup: { azure: { freeze: 'snapshots' } } }
    const { report } = await bed.runner.run(job, 'run-snapshots', quiet, signals)
    expect(report?.guests).toMatchObject([{ name: 'db1', outcome: 'succeeded', reason: '' }])
    expect(lab.control.calls('snapshots.createOrUpdate')).toBeGreaterThan(0)
  })

  it('are archived as after a pulled plug when their agent is silent, with a warning that says why', async () => {
    const { report } = await bed.runner.run({ site: 'hq', guests: { ids: [MUTE] } }, 'run-mute', quiet, signals)
    expect(report?.guests).toMatchObject([{ name: 'mute1', outcome: 'succeeded' }])
    const [manifest] = await bed.manifestsOf('hq', MUTE)
    expect(manifest?.verdict.name).toBe('archived-with-warnings')
    expect(manifest?.verdict.reason).toMatch(/application-consistent restore point failed/)
  })
})

describe('backups of Azure that go wrong', () => {
  const db = { site: 'hq', guests: { ids: [DB] } }

  it('find their restore point again when the answer to making it is lost, and make none twice', async () => {
    lab.control.resetCounts()
    const lose = onceAt('Freeze disks', () => lab.control.loseAnswer('restorePoints.createOrUpdate'))
    const { report } = await bed.runner.run(db, 'run-lost', lose, signals)
    expect(report?.guests).toMatchObject([{ name: 'db1', outcome: 'succeeded', reason: '' }])
    expect(lab.control.calls('restorePoints.createOrUpdate')).toBe(1)
  })

  it('go on with another address when theirs ends in the middle', async () => {
    const end = onceAt('Copy parts', () => lab.control.before('blob.read', () => lab.control.expireSignatures()))
    const { report } = await bed.runner.run(db, 'run-ended', end, signals)
    expect(report?.guests).toMatchObject([{ name: 'db1', outcome: 'succeeded', reason: '' }])
  })

  it('wait for storage that is busy, and for a token that has ended', async () => {
    const busy = onceAt('Copy parts', () => {
      lab.control.busy('blob.read', 2)
      lab.control.expireTokens()
    })
    const { report } = await bed.runner.run(db, 'run-busy', busy, signals)
    expect(report?.guests).toMatchObject([{ name: 'db1', outcome: 'succeeded', reason: '' }])
  })

  it('fail a guest whose frozen disk became another one, and archive nothing', async () => {
    const before = (await bed.manifestsOf('hq', DB)).length
    const change = onceAt('Copy parts', () => {
      for (const { points } of lab.control.collections()) {
        for (const point of points.values()) for (const { id } of point.disks) lab.control.touchBlob(id)
      }
    })
    const { report } = await bed.runner.run(db, 'run-changed', change, signals)
    expect(report?.guests).toMatchObject([{ name: 'db1', outcome: 'failed' }])
    expect(await bed.manifestsOf('hq', DB)).toHaveLength(before)
  })

  it('fail a guest that a policy forbids to freeze, and name the policy', async () => {
    const forbid = onceAt('Freeze disks', () =>
      lab.control.forbid('restorePoints.createOrUpdate', 'no-restore-points', 1),
    )
    const { report } = await bed.runner.run(db, 'run-policy', forbid, signals)
    expect(report?.guests).toMatchObject([
      { name: 'db1', outcome: 'failed', reason: expect.stringContaining('no-restore-points') },
    ])
  })

  it('remove their restore point in the end, though Azure refuses to at first', async () => {
    const refuse = onceAt('Release backup', () =>
      lab.control.refuse('restorePoints.delete', { status: 409, code: 'OperationNotAllowed', message: 'in use' }, 2),
    )
    const { report } = await bed.runner.run(db, 'run-held', refuse, signals)
    expect(report?.guests).toMatchObject([{ name: 'db1', outcome: 'succeeded', reason: '' }])
  })
})

describe('what nobody finishes', () => {
  const db = { site: 'hq', guests: { ids: [DB] } }

  it('is released when a person stops the run while Azure freezes the disks', async () => {
    lab.control.holdOperations('restorePoints.createOrUpdate')
    const stopping = new AbortController()
    const stop = onceAt('Wait for frozen disks', () => {
      stopping.abort()
      lab.control.releaseOperations()
    })
    const { report } = await bed.runner.run(db, 'run-stopped', stop, { interrupt: stopping.signal, kill: never })
    expect(report?.guests).toMatchObject([{ name: 'db1', outcome: 'failed' }])
  })

  it('is found by its marks and removed by the sweep: a restore point that is still read, and snapshots', async () => {
    const token = '0f1e2d3c4b5a6978'
    // A run of last year that died.
    lab.control.setClockSkew(-400 * 86_400_000)
    for (const freeze of ['restore-point', 'snapshots'] as const) {
      const provider = openAzure('hq', azureSiteSchema.parse({ ...lab.site(), freeze }), {
        now: () => new Date(),
        sleep: async () => undefined,
        log: () => undefined,
        home: `${bucket}/`,
      })
      const [guest] = await provider.findGuests([freeze === 'snapshots' ? DB : WEB])
      if (guest === undefined) throw new Error('no guest')
      const { jobRef } = await provider.start(guest, backupOptionsSchema.parse({}), token)
      while ((await provider.check(jobRef)).running);
      await provider.gather(jobRef, guest, '')
      await provider.close()
    }
    lab.control.setClockSkew(0)
    expect(lab.control.collections()).toHaveLength(1)
    expect(lab.control.snapshots()).toHaveLength(1)
    const order = { dryRun: false, sites: ['hq'] }
    const { told } = await bed.runner.upkeep('sweepUploads', order, 'sweep-1', quiet, signals)
    expect(told).toMatchObject({ report: { strays: [{ site: 'hq', removed: 2, outcome: 'succeeded' }] } })
  })
})

describe('secrets', () => {
  it('are in nothing that the runs left: no signature, no token, no client secret', async () => {
    const texts = [readFileSync(join(bed.directory, 'functions.log'), 'latin1')]
    for (const key of await bed.keys(''))
      if (!key.endsWith('.zst')) texts.push((await bed.bytes(key)).toString('latin1'))
    expect(texts.length).toBeGreaterThan(20)
    const [client] = lab.clients
    for (const text of texts) {
      expect(text).not.toMatch(/\bsig=(?!…)/)
      expect(text).not.toContain('Bearer ')
      expect(text).not.toContain(client?.secret ?? 'lab~')
    }
  })
})

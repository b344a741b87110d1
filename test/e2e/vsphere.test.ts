/** Guests of vSphere through the whole workflow: the synthesised definitions and bundles, against the lab's vCenter. */
import { execFileSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { seededContent } from '../../local/labs/ec2/disk.ts'
import type { VsphereLab } from '../../local/labs/vsphere/lab.ts'
import { guestlift } from '../local/cli/command-line.ts'
import { bucket, onceAt, quiet } from './store-bed.ts'
import { openVsphereBed, type VsphereE2eBed } from './vsphere-bed.ts'

const MIB = 2 ** 20
const WEB = '50010000-0000-4000-8000-000000000001'
const DB = '50010000-0000-4000-8000-000000000002'
const OLD = '50010000-0000-4000-8000-000000000003'

const never = new AbortController().signal
const signals = { interrupt: never, kill: never }

let bed: VsphereE2eBed
let lab: VsphereLab

beforeAll(async () => {
  bed = await openVsphereBed({
    datacenters: [{ name: 'DC 1', folders: ['Europe'], datastores: [{ name: 'data store é' }], guestFolders: ['Web'] }],
    guests: [
      {
        name: 'web01',
        id: WEB,
        folder: 'Web',
        firmware: 'efi',
        toolsRunning: true,
        tags: ['backup:gold'],
        disks: [
          { capacityBytes: 160 * MIB, content: seededContent([0, 3, 7, 300], 1) },
          { capacityBytes: 4 * MIB, content: seededContent([1], 2) },
        ],
      },
      { name: 'db01', id: DB, toolsRunning: true, disks: [{ capacityBytes: 4 * MIB, content: seededContent([0], 3) }] },
      {
        name: 'old01',
        id: OLD,
        toolsRunning: true,
        disks: [{ capacityBytes: 4 * MIB, content: seededContent([0], 4) }],
        snapshots: [{ name: 'before the upgrade' }],
      },
    ],
  })
  ;({ lab } = bed)
})
afterAll(() => bed.close())

/** What the guest's disk holds now, through all links. */
function diskOf(id: string, key: number, sizeBytes: number): Buffer {
  return Buffer.from(lab.control.readDisk(id, key, 0, sizeBytes))
}

describe('guests of vSphere', () => {
  it('are archived with all their disks, and no snapshot stays', async () => {
    const before = [diskOf(WEB, 2000, 160 * MIB), diskOf(WEB, 2001, 4 * MIB)]
    const job = { site: 'hq', guests: { tags: ['backup:gold'] } }
    const { result, report } = await bed.runner.run(job, 'run-1', quiet, signals)
    expect(report?.guests.map(({ name, outcome, reason }) => ({ name, outcome, reason }))).toEqual([
      { name: 'web01', outcome: 'succeeded', reason: '' },
    ])
    expect(result).toMatchObject({ status: 'SUCCEEDED' })
    expect(lab.control.snapshots(WEB)).toEqual([])
    expect(lab.control.sessions()).toBe(0)
    const [manifest] = await bed.manifestsOf('hq', WEB)
    expect(manifest).toMatchObject({
      platform: 'vsphere',
      guest: { id: WEB, name: 'web01' },
      verdict: { name: 'archived' },
    })
    expect(manifest?.artifacts.map(({ fileName }) => fileName)).toEqual(['web01.raw.zst', 'web01_1.raw.zst'])
    for (const [at, artifact] of (manifest?.artifacts ?? []).entries()) {
      const archive = join(bed.directory, artifact.fileName)
      await writeFile(archive, await bed.bytes(artifact.key))
      const raw = execFileSync('zstd', ['-d', '-q', '-c', archive], { maxBuffer: 2 ** 30 })
      expect(raw.equals(before[at] ?? Buffer.alloc(0))).toBe(true)
    }
    const named = [`hq/vm-${WEB}`, '--bucket', bucket, '--s3', bed.s3Url]
    const taken = await guestlift(['extract', ...named, '--disk', 'web01', '-o', join(bed.directory, 'taken.raw')])
    expect(taken).toMatchObject({ code: 0, error: expect.stringContaining('has the CRC-32 that its manifest states') })
  })

  it('with older snapshots are archived as the files they are', async () => {
    const job = { site: 'hq', guests: { ids: [OLD] } }
    const { report } = await bed.runner.run(job, 'run-old', quiet, signals)
    expect(report?.guests).toMatchObject([{ name: 'old01', outcome: 'succeeded', reason: '' }])
    const [manifest] = await bed.manifestsOf('hq', OLD)
    expect(manifest?.artifacts.map(({ fileName }) => fileName)).toEqual([
      'old01.vmdk',
      'old01-flat.vmdk',
      'old01-000001.vmdk',
      'old01-000001-sesparse.vmdk',
    ])
    // Only somebody else's stays.
    expect(lab.control.snapshots(OLD).map(({ name }) => name)).toEqual(['before the upgrade'])
  })
})

describe('backups of guests on one datastore', () => {
  it('stand there one at a time, from the snapshot to its removal', async () => {
    let most = 0
    const count = () => {
      const ours = lab.control.snapshots().filter(({ name }) => name.startsWith('guestlift-'))
      most = Math.max(most, ours.length)
    }
    const job = { site: 'hq', guests: { ids: [WEB, DB] } }
    const { report } = await bed.runner.run(job, 'run-both', { ...quiet, onEvent: count }, signals)
    expect(report?.guests.map(({ outcome, reason }) => [outcome, reason])).toEqual([
      ['succeeded', ''],
      ['succeeded', ''],
    ])
    expect(most).toBe(1)
  })
})

describe('backups of vSphere that go wrong', () => {
  const db = { site: 'hq', guests: { ids: [DB] } }

  it('find their snapshot again when the answer to making it is lost, and make none twice', async () => {
    lab.control.resetCounts()
    const lose = onceAt('Create snapshot', () => lab.control.loseAnswer('CreateSnapshot_Task'))
    const { report } = await bed.runner.run(db, 'run-lost', lose, signals)
    expect(report?.guests).toMatchObject([{ name: 'db01', outcome: 'succeeded', reason: '' }])
    expect(lab.control.calls('CreateSnapshot_Task')).toBe(1)
    expect(lab.control.snapshots(DB)).toEqual([])
  })

  it('fail a guest whose snapshot somebody removed while it was read, and archive nothing', async () => {
    const before = (await bed.manifestsOf('hq', DB)).length
    const remove = onceAt('Copy parts', () => {
      for (const { id } of lab.control.snapshots(DB)) lab.control.removeSnapshot(id)
    })
    const { report } = await bed.runner.run(db, 'run-removed', remove, signals)
    expect(report?.guests).toMatchObject([
      {
        name: 'db01',
        outcome: 'failed',
        reason: expect.stringContaining('that held db01/db01-flat.vmdk still is gone'),
      },
    ])
    expect(await bed.manifestsOf('hq', DB)).toHaveLength(before)
    expect(lab.control.snapshots(DB)).toEqual([])
  })
})

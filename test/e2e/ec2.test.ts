/** Instances of EC2 through the whole workflow: the synthesised definitions and bundles, against the lab's account. */
import { execFileSync } from 'node:child_process'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { backupOptionsSchema } from '../../functions/contracts/backup-options.ts'
import { ec2SiteSchema } from '../../functions/providers/ec2/config.ts'
import { openEc2 } from '../../functions/providers/ec2/provider.ts'
import { judgementText } from '../../local/iam/guard.ts'
import { seededContent } from '../../local/labs/ec2/disk.ts'
import type { Ec2Lab } from '../../local/labs/ec2/lab.ts'
import type { LocalRunner } from '../../local/run/local-runner.ts'
import { guestlift } from '../local/cli/command-line.ts'
import { DB, type Ec2E2eBed, openEc2Bed, WEB, written } from './ec2-bed.ts'
import { bucket, onceAt, quiet } from './store-bed.ts'

const never = new AbortController().signal
const signals = { interrupt: never, kill: never }
const KEY = 'arn:aws:kms:eu-central-1:111122223333:key/00000000-1111-4222-8333-444444444444'

let bed: Ec2E2eBed
let lab: Ec2Lab
let runner: LocalRunner
let directory: string

beforeAll(async () => {
  const nearlyEmpty = { device: '/dev/sdf', sizeGiB: 1024, encrypted: true, kmsKeyId: KEY }
  bed = await openEc2Bed(
    {
      instances: [
        {
          id: WEB,
          name: 'web',
          tags: { backup: 'daily' },
          zone: 'eu-central-1b',
          volumes: [
            { device: '/dev/xvda', sizeGiB: 1, content: seededContent(written(60), 1) },
            { ...nearlyEmpty, content: seededContent(written(20, 1_900_000), 2) },
          ],
        },
        { id: DB, name: 'db', volumes: [{ device: '/dev/xvda', sizeGiB: 1, content: seededContent(written(9), 3) }] },
      ],
    },
    [{ site: 'aws', keyArns: [KEY] }],
  )
  ;({ lab, runner, directory } = bed)
})
afterAll(() => bed.close())

describe('instances of EC2', () => {
  it('are archived with all their volumes, and no snapshot stays', async () => {
    const job = { site: 'aws', guests: { tags: ['backup=daily'] } }
    const { result, report } = await runner.run(job, 'run-1', quiet, signals)
    expect(report?.guests.map(({ name, outcome, reason }) => ({ name, outcome, reason }))).toEqual([
      { name: 'web', outcome: 'succeeded', reason: '' },
    ])
    expect(result).toMatchObject({ status: 'SUCCEEDED' })
    expect(lab.control.snapshots()).toEqual([])
    const [manifest] = await bed.manifestsOf('aws', WEB)
    expect(manifest).toMatchObject({ platform: 'ec2', guest: { id: WEB, name: 'web' }, verdict: { name: 'archived' } })
    expect(manifest?.artifacts.map(({ fileName }) => fileName).toSorted()).toEqual(['sdf.raw.zst', 'xvda.raw.zst'])
    expect(manifest?.sideFiles.some((key) => key.endsWith('/guest.json'))).toBe(true)
    // Each block once, and of a disk of a TiB only what was ever written.
    expect(lab.control.blocksRead).toHaveLength(80)
    expect(report?.receipt?.items.map(({ what }) => what)).toContain('80 blocks read')
    expect(manifest?.receipt?.items.map(({ what }) => what)).toContain('80 blocks read')
  })

  it('are what zstd makes of their objects', async () => {
    const [manifest] = await bed.manifestsOf('aws', WEB)
    const small = manifest?.artifacts.find(({ fileName }) => fileName === 'xvda.raw.zst')
    const archive = join(directory, 'xvda.raw.zst')
    await writeFile(archive, await bed.bytes(small?.key ?? ''))
    execFileSync('zstd', ['-d', '-q', '--sparse', archive])
    const volume = lab.control
      .volumes()
      .find(({ attachment, sizeGiB }) => attachment?.instanceId === WEB && sizeGiB === 1)
    const source = join(directory, 'source.raw')
    lab.control.disk(volume?.id ?? '').saveTo(source)
    execFileSync('cmp', [source, join(directory, 'xvda.raw')])
    expect((await readFile(archive)).length).toBe(small?.sizeBytes)
    await rm(join(directory, 'xvda.raw'))

    const named = [`aws/vm-${WEB}`, '--bucket', bucket, '--s3', bed.s3Url]
    const listed = await guestlift(['extract', ...named, '--list', '--json'])
    expect(JSON.parse(listed.out)).toMatchObject({
      disks: [
        { name: 'sdf', sizeBytes: 2 ** 40 },
        { name: 'xvda', sizeBytes: 2 ** 30 },
      ],
    })
    const taken = await guestlift(['extract', ...named, '--disk', 'xvda', '-o', join(directory, 'taken.raw')])
    expect(taken).toMatchObject({ code: 0, error: expect.stringContaining('has the CRC-32 that its manifest states') })
    execFileSync('cmp', [source, join(directory, 'taken.raw')])
    const none = await guestlift(['extract', ...named, '--disk', 'xvdz', '-o', join(directory, 'none.raw')])
    expect(none).toMatchObject({ code: 1, error: expect.stringContaining('It holds: sdf, xvda.') })
    await Promise.all(['source.raw', 'taken.raw'].map((name) => rm(join(directory, name))))
  })
})

describe('backups of instances that go wrong', () => {
  const db = { site: 'aws', guests: { ids: [DB] } }

  it('find their snapshots again when the answer to making them is lost, and make none twice', async () => {
    lab.control.resetCounts()
    const lose = onceAt('Create snapshots', () => lab.control.loseAnswer('CreateSnapshots'))
    const { report } = await runner.run(db, 'run-lost', lose, signals)
    expect(report?.guests).toMatchObject([{ name: 'db', outcome: 'succeeded' }])
    // One of them is a dry run, which asks for the right.
    expect(
      lab.control.seen.filter(({ action, status }) => action === 'CreateSnapshots' && status !== 412),
    ).toHaveLength(1)
    expect(lab.control.snapshots()).toEqual([])
  })

  it('say why AWS made no snapshot, and leave none', async () => {
    lab.control.holdSnapshots()
    const fail = () => {
      lab.control.failSnapshot(lab.control.snapshots()[0]?.id ?? '', 'Given key ID is not accessible')
      lab.control.finishSnapshots()
    }
    const { report } = await runner.run(db, 'run-error', onceAt('Wait for snapshots', fail), signals)
    expect(report?.guests).toMatchObject([
      { outcome: 'failed', reason: expect.stringContaining('Given key ID is not accessible') },
    ])
    expect(lab.control.snapshots()).toEqual([])
  })

  it('that a person stops leave nothing on the platform', async () => {
    lab.control.holdSnapshots()
    const stopping = new AbortController()
    const stop = onceAt('Wait for snapshots', () => stopping.abort())
    const { report } = await runner.run(db, 'run-stopped', stop, { interrupt: stopping.signal, kill: never })
    lab.control.finishSnapshots()
    expect(report?.guests).toMatchObject([{ outcome: 'failed' }])
    expect(lab.control.snapshots()).toEqual([])
  })

  it('of a dead run are found by their tags and removed by the sweep, and nobody else’s', async () => {
    const made = [
      ['aws', 'archives/'],
      ['aws', 'elsewhere/'],
      ['another', 'archives/'],
    ] as const
    for (const [name, home] of made) {
      const provider = openEc2(name, ec2SiteSchema.parse({ ...bed.site, auth: lab.credentials[0] }), {
        now: () => new Date(),
        sleep: async () => undefined,
        log: () => undefined,
        home,
      })
      const [guest] = await provider.findGuests([DB])
      if (guest !== undefined) await provider.start(guest, backupOptionsSchema.parse({}), '0f1e2d3c4b5a6978')
      await provider.close()
    }
    for (const snapshot of lab.control.snapshots()) snapshot.startedAt = new Date('2025-01-01')
    const order = { dryRun: false, sites: ['aws'] }
    const { told } = await runner.upkeep('sweepUploads', order, 'sweep-1', quiet, signals)
    expect(told).toMatchObject({ report: { strays: [{ site: 'aws', removed: 1, outcome: 'succeeded' }] } })
    const left = lab.control.snapshots().map(({ tags }) => [tags.get('guestlift:site'), tags.get('guestlift:bucket')])
    expect(left).toEqual([
      ['aws', 'elsewhere/'],
      ['another', 'archives/'],
    ])
  })
})

describe('the roles of a deployment with a site of EC2', () => {
  it('let it do all of this, and were asked', () => {
    expect(bed.judgements.filter(({ allowed }) => !allowed).map(judgementText)).toEqual([])
    const asked = new Set(bed.judgements.map(({ request: { action } }) => action))
    for (const action of ['ec2:CreateSnapshots', 'ec2:CreateTags', 'ebs:GetSnapshotBlock', 'ec2:DeleteSnapshot']) {
      expect(asked).toContain(action)
    }
  })
})

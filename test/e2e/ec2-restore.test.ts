/**
 * Archived disks of EC2 come back, by the real bundles, roles and definitions, to an account whose rights are enforced.
 * What is made is run, and its disks are compared with the lost ones.
 */
import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { EC2Client, RunInstancesCommand } from '@aws-sdk/client-ec2'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { judgementText } from '../../local/iam/guard.ts'
import type { Disk } from '../../local/labs/ec2/disk.ts'
import { DB, WEB } from './ec2-bed.ts'
import { type Ec2RestoreBed, KEY, openEc2RestoreBed, type RestoreListening } from './ec2-restore-bed.ts'

let bed: Ec2RestoreBed
/** The disks of the instances, which are gone. */
const lost = new Map<string, Disk>()

beforeAll(async () => {
  bed = await openEc2RestoreBed()
  const { control } = bed.lab
  for (const { attachment, disk } of control.volumes()) {
    if (attachment !== undefined) lost.set(`${attachment.instanceId} ${attachment.device}`, disk)
  }
  for (const id of [WEB, DB]) control.removeInstance(id)
})
afterAll(async () => bed.close())
afterEach(() => {
  const { control } = bed.lab
  control.clearFaults()
  control.finishSnapshots()
  for (const { id } of ourSnapshots()) control.removeSnapshot(id)
  control.resetCounts()
})

const ourSnapshots = () => bed.lab.control.snapshots().filter(({ tags }) => tags.has('guestlift:restore'))
const calls = (action: string) => bed.lab.control.calls(action)
const [WEB_BLOCKS, DB_BLOCKS] = [292, 9]

/** By an independent tool; block by block where a disk is a TiB of holes. */
function expectSame(one: Disk, other: Disk): void {
  expect(other.indexes).toEqual(one.indexes)
  expect(one.indexes.filter((index) => !one.agrees(other, index))).toEqual([])
  if (one.sizeGiB > 1) return
  const files = ['one', 'other'].map((name) => join(bed.directory, `${name}.raw`))
  for (const [index, disk] of [one, other].entries()) disk.saveTo(files[index] ?? '')
  execFileSync('cmp', files)
  for (const file of files) rmSync(file)
}

/** The disks of a machine that is run from an image, by their devices. */
async function disksOfImage(imageId = ''): Promise<Map<string, Disk>> {
  const { lab } = bed
  const [region = ''] = lab.regions
  const [key = { accessKeyId: '', secretAccessKey: '' }] = lab.credentials
  const client = new EC2Client({ endpoint: lab.url, region, credentials: key })
  const { Instances = [] } = await client.send(
    new RunInstancesCommand({ ImageId: imageId, MinCount: 1, MaxCount: 1, InstanceType: 't4g.small' }),
  )
  client.destroy()
  const its = lab.control.volumes().filter(({ attachment }) => attachment?.instanceId === Instances[0]?.InstanceId)
  return new Map(its.flatMap(({ attachment, disk }) => (attachment === undefined ? [] : [[attachment.device, disk]])))
}

async function expectImageOf(id: string, imageId: string | undefined): Promise<void> {
  const disks = await disksOfImage(imageId)
  const wanted = [...lost].filter(([name]) => name.startsWith(id))
  expect(new Set(disks.keys())).toEqual(new Set(wanted.map(([name]) => name.split(' ')[1])))
  for (const [name, disk] of wanted) expectSame(disk, disks.get(name.split(' ')[1] ?? '') ?? disk.copy(2))
}

async function expectNothingLeft(): Promise<void> {
  expect(ourSnapshots()).toEqual([])
  expect(await bed.keys('restores/open/')).toEqual([])
}

/** Something happens as a state is entered, once. */
function at(state: string, what: () => void): RestoreListening {
  let done = false
  return {
    onState: (entered) => {
      if (entered !== state || done) return
      done = true
      what()
    },
  }
}

describe('a restore of an instance that is gone', () => {
  it('says as a dry run what it would do, and makes nothing', async () => {
    const { result, report } = await bed.restore({ confirm: false, archive: `aws/vm-${WEB}` })
    expect(result).toMatchObject({ status: 'SUCCEEDED' })
    expect(report).toMatchObject({ outcome: 'succeeded', dryRun: true, findings: [] })
    expect(report?.summary).toContain('can be restored as an image on site aws')
    expect(calls('StartSnapshot')).toBe(0)
  })

  it('makes an image of which a machine runs that has the very disks, whose snapshots stay', async () => {
    const { result, report } = await bed.restore({ archive: `aws/vm-${WEB}` })
    expect(report?.error).toBeUndefined()
    expect(result).toMatchObject({ status: 'SUCCEEDED' })
    expect(report).toMatchObject({ outcome: 'succeeded', differences: [], expected: [], left: [] })
    expect(bed.lab.control.images()).toMatchObject([{ architecture: 'arm64', bootMode: 'uefi', enaSupport: true }])
    // Each block once, written zeros among them; of a TiB, only what was ever written.
    expect(calls('PutSnapshotBlock')).toBe(WEB_BLOCKS)
    await expectImageOf(WEB, report?.made?.[0]?.ref)
    const keys = ourSnapshots().map(({ kmsKeyId }) => kmsKeyId)
    expect(keys).toEqual(expect.arrayContaining([undefined, KEY]))
    expect(await bed.keys('restores/open/')).toEqual([])
  })

  it('makes volumes in a zone, encrypted with the key that is named', async () => {
    const { report } = await bed.restore({ to: 'volume', node: 'eu-central-1c', kmsKey: KEY })
    expect(report?.error).toBeUndefined()
    expect(report).toMatchObject({ outcome: 'succeeded', differences: [], made: [{ what: 'volume' }] })
    expect(report?.expected).toMatchObject([{ key: '/dev/xvda', made: 'encrypted' }])
    const volume = bed.lab.control.volumes().find(({ id }) => id === report?.made?.[0]?.ref)
    expect(volume).toMatchObject({ zone: 'eu-central-1c', encrypted: true, kmsKeyId: KEY, state: 'available' })
    if (volume !== undefined) expectSame(lost.get(`${DB} /dev/xvda`) ?? volume.disk, volume.disk)
  })
})

describe('a restore of an instance that meets faults', () => {
  it('goes on after the function that puts blocks was killed, and puts no finished part again', async () => {
    let [parts, killed] = [0, 0]
    const { report } = await bed.restore(
      { archive: `aws/vm-${WEB}` },
      {
        onPart: () => {
          parts += 1
          if (parts === 1) void bed.kill('deliver-parts').then((count) => (killed = count))
        },
      },
    )
    expect(killed).toBeGreaterThan(0)
    expect(report).toMatchObject({ outcome: 'succeeded', differences: [] })
    // A part has 128 blocks, and one was finished.
    expect(calls('PutSnapshotBlock')).toBeLessThan(2 * WEB_BLOCKS - 10)
    expect(ourSnapshots()).toHaveLength(2)
    await expectImageOf(WEB, report?.made?.[0]?.ref)
  })

  it.each(['StartSnapshot', 'PutSnapshotBlock', 'CompleteSnapshot', 'RegisterImage'])(
    'makes one image when the answer to %s is lost',
    async (action) => {
      const images = bed.lab.control.images().length
      bed.lab.control.loseAnswer(action)
      const { report } = await bed.restore({})
      expect(report?.error).toBeUndefined()
      expect(report).toMatchObject({ outcome: 'succeeded', differences: [] })
      expect(ourSnapshots()).toHaveLength(1)
      expect(bed.lab.control.images()).toHaveLength(images + 1)
    },
  )

  it('waits out a throttle', async () => {
    bed.lab.control.throttle('PutSnapshotBlock', 12)
    const { report } = await bed.restore({})
    expect(report).toMatchObject({ outcome: 'succeeded' })
    expect(calls('PutSnapshotBlock')).toBe(DB_BLOCKS + 12)
  })

  it('is refused with a key of another region, and makes nothing', async () => {
    const { report } = await bed.restore({ kmsKey: KEY.replace('eu-central-1', 'us-east-1') })
    expect(report).toMatchObject({ outcome: 'failed', findings: [{ name: 'key-unfit' }] })
    expect(calls('StartSnapshot')).toBe(0)
    await expectNothingLeft()
  })

  it('is refused with options that mean nothing for disks, or a zone of no region of the site', async () => {
    const strange = await bed.restore({ id: '9100', start: true })
    expect(strange.report?.summary).toContain("an id, starting the guest can't be asked for")
    const elsewhere = await bed.restore({ node: 'us-east-1a' })
    expect(elsewhere.report?.findings).toMatchObject([{ name: 'place-unfit' }])
    const region = await bed.restore({ node: 'eu-central-1', to: 'volume' })
    expect(region.report?.findings).toMatchObject([{ name: 'place-unfit' }])
    await expectNothingLeft()
  })

  it('fails clearly when somebody removes the snapshot meanwhile', async () => {
    const removeIt = () => {
      for (const { id } of ourSnapshots()) bed.lab.control.removeSnapshot(id)
    }
    const { report } = await bed.restore({}, at('Create guest', removeIt))
    expect(report).toMatchObject({ outcome: 'failed', error: { name: 'RestoreFailed' } })
    expect(report?.summary).toMatch(/snapshot snap-\w+ of xvda.raw.zst is gone/)
    await expectNothingLeft()
  })

  it('fails with the words of AWS when a snapshot ends in an error, and removes it', async () => {
    const failIt = () => {
      for (const { id } of ourSnapshots()) bed.lab.control.failSnapshot(id, 'a disk of ours broke')
    }
    const { report } = await bed.restore({}, at('Create guest', failIt))
    expect(report?.summary).toMatch(/ended in state error: a disk of ours broke/)
    await expectNothingLeft()
  })

  it('is refused while another one of the same instance is under way, which it leaves alone', async () => {
    let second: ReturnType<Ec2RestoreBed['restore']> | undefined
    const first = await bed.restore(
      {},
      at('Finish delivery', () => {
        second = bed.restore({})
      }),
    )
    expect(first.report).toMatchObject({ outcome: 'succeeded' })
    expect((await second)?.report?.summary).toMatch(/is being restored to/)
    expect(ourSnapshots()).toHaveLength(1)
  })

  it('removes its snapshot when its operator stops it', async () => {
    const stop = new AbortController()
    const { report } = await bed.restore({}, { ...at('Finish delivery', () => stop.abort()), interrupt: stop.signal })
    expect(report).toMatchObject({ outcome: 'failed', error: { name: 'RunInterrupted' } })
    await expectNothingLeft()
  })

  it('is swept after when it died without a word', async () => {
    const kill = new AbortController()
    const dead = await bed.restore({}, { ...at('Create guest', () => kill.abort()), kill: kill.signal })
    expect(dead.result.status).toBe('ABORTED')
    expect(ourSnapshots()).toHaveLength(1)
    expect(await bed.sweep()).toMatchObject({ status: 'SUCCEEDED' })
    await expectNothingLeft()
  })

  it('leaves alone what is whole, when the sweep comes after a death at the end', async () => {
    const kill = new AbortController()
    await bed.restore({}, { ...at('Compare guest', () => kill.abort()), kill: kill.signal })
    await bed.sweep()
    expect(ourSnapshots()).toHaveLength(1)
    expect(await bed.keys('restores/open/')).toEqual([])
  })

  it('says that it needs the map of a disk, which is gone', async () => {
    const [map = ''] = (await bed.keys(`archives/aws/vm-${DB}/`)).filter((key) => key.endsWith('.map.json'))
    await bed.remove(map)
    const { result } = await bed.restore({})
    expect(result).toMatchObject({ status: 'FAILED', error: 'ArchiveConflict' })
  })
})

describe('the roles of a deployment that may restore to EC2', () => {
  it('let it do all of this', () => {
    expect(bed.judgements.filter(({ allowed }) => !allowed).map(judgementText)).toEqual([])
  })
})

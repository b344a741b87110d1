import { createHash } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { EBS_BLOCK_BYTES, ebsAccessSchema } from '../../../functions/contracts/aws-access.ts'
import type { BegunDisk, DiskToFill, DiskWriter } from '../../../functions/writers/disk-writer.ts'
import { openEbsWriter } from '../../../functions/writers/ebs/ebs.ts'
import { type Ec2Lab, type Ec2LabOptions, startEc2Lab } from '../../../local/labs/ec2/lab.ts'

const disk = {
  fileName: 'xvda.raw.zst',
  token: '0f1e2d3c4b5a6978',
  target: {
    type: 'ebs-snapshot',
    region: 'eu-central-1',
    sizeGib: 1,
    encrypted: false,
    tags: [
      { key: 'guestlift:site', value: 'aws' },
      { key: 'guestlift:restore', value: '0f1e2d3c4b5a6978' },
    ],
  },
} satisfies DiskToFill
const block = (fill: number) => Buffer.alloc(EBS_BLOCK_BYTES, fill)
const waits: number[] = []
let lab: Ec2Lab
let writer: DiskWriter

async function opened(options: Ec2LabOptions = {}, auth?: object): Promise<DiskWriter> {
  lab = await startEc2Lab(options)
  const [key] = lab.credentials
  const endpoints = { ec2: lab.url, ebs: lab.url, sts: lab.url }
  const access = ebsAccessSchema.parse({ regions: lab.regions, auth: { ...key, ...auth }, endpoints })
  writer = openEbsWriter('aws', access, {
    now: () => new Date(),
    sleep: async (milliseconds) => void waits.push(milliseconds),
    random: () => 0,
  })
  return writer
}
afterEach(async () => {
  waits.length = 0
  await writer.close()
  await lab.close()
})

async function begun(): Promise<BegunDisk> {
  return { ...disk, ref: await writer.begin(disk) }
}

/** Puts blocks 0 and 7, and says so. */
async function filled(): Promise<BegunDisk> {
  const one = await begun()
  const sums = [await writer.put(one, 0, block(0)), await writer.put(one, 7, block(9))]
  await writer.seal(one, { count: 2, sha256: createHash('sha256').update(Buffer.concat(sums)).digest() })
  return one
}

async function all(one: BegunDisk): Promise<number[]> {
  const found: number[] = []
  for await (const index of writer.blocksOf(one)) found.push(index)
  return found
}

describe('snapshots that are written by EBS direct', () => {
  it('hold the blocks that were put, written zeros among them, and bear the tags', async () => {
    await opened()
    const one = await filled()
    lab.control.finishSnapshots()
    expect(await all(one)).toEqual([0, 7])
    expect(Buffer.from(lab.control.disk(one.ref).read(7)).equals(block(9))).toBe(true)
    const [snapshot] = lab.control.snapshots()
    expect([...(snapshot?.tags ?? [])].map(([key, value]) => ({ key, value }))).toEqual(disk.target.tags)
    expect(snapshot?.sizeGiB).toBe(1)
  })

  it('are begun once, however often that is asked for and whatever answer is lost', async () => {
    await opened()
    lab.control.loseAnswer('StartSnapshot')
    const ref = await writer.begin(disk)
    expect(await writer.begin(disk)).toBe(ref)
    expect(lab.control.snapshots()).toHaveLength(1)
    expect(await writer.begin({ ...disk, fileName: 'sdf.raw.zst' })).not.toBe(ref)
  })

  it('are encrypted with the key that is named', async () => {
    await opened()
    const kmsKeyArn = 'arn:aws:kms:eu-central-1:111122223333:key/1'
    await writer.begin({ ...disk, target: { ...disk.target, encrypted: true, kmsKeyArn } })
    expect(lab.control.snapshots()[0]).toMatchObject({ encrypted: true, kmsKeyId: kmsKeyArn })
  })

  it('wait for a snapshot that is not known everywhere yet, and for a throttle', async () => {
    await opened({ settings: { earlyPuts: 2 } })
    const one = await begun()
    await writer.put(one, 1, block(1))
    lab.control.throttle('PutSnapshotBlock', 3)
    await writer.put(one, 2, block(2))
    expect(waits).toEqual([1_000, 2_000, 1_000, 2_000, 4_000])
  })

  it('are completed once though the answer was lost', async () => {
    await opened()
    lab.control.loseAnswer('CompleteSnapshot')
    const one = await filled()
    lab.control.finishSnapshots()
    expect(await all(one)).toEqual([0, 7])
  })

  it.each([
    {
      what: 'a sum over other blocks',
      fault: async (one: BegunDisk) => writer.seal(one, { count: 0, sha256: Buffer.alloc(32) }),
      options: {},
      error: 'ChecksumMismatch',
      says: /^Site aws, region eu-central-1: snapshot snap-\w+ for xvda.raw.zst: ebs:CompleteSnapshot was refused/,
    },
    {
      what: 'a snapshot that was removed',
      fault: async (one: BegunDisk) => {
        lab.control.removeSnapshot(one.ref)
        await writer.put(one, 1, block(1))
      },
      options: {},
      error: 'TargetUnwritable',
      says: /Something removed the snapshot while it was written/,
    },
    {
      what: 'a missing right',
      fault: async (one: BegunDisk) => writer.put(one, 1, block(1)),
      options: { authorize: ({ action }: { action: string }) => action !== 'ebs:PutSnapshotBlock' },
      error: 'PrivilegeMissing',
      says: /needs the right to ebs:PutSnapshotBlock/,
    },
    {
      what: 'keys that are wrong',
      fault: async (one: BegunDisk) => {
        for (const { accessKeyId } of lab.credentials) lab.control.revokeKey(accessKeyId)
        await writer.put(one, 1, block(1))
      },
      options: {},
      error: 'CredentialsRejected',
      says: /Check the keys or the role of the site's `restore`/,
    },
    {
      what: 'a throttle that does not end',
      fault: async (one: BegunDisk) => {
        lab.control.throttle('PutSnapshotBlock', 100)
        await writer.put(one, 1, block(1))
      },
      options: {},
      error: 'ConnectionDropped',
      says: /The account writes as much as it may/,
    },
    {
      what: 'a key of another region',
      fault: async () => {
        const kmsKeyArn = 'arn:aws:kms:us-east-1:111122223333:key/1'
        await writer.begin({ ...disk, token: 'aaaaaaaa', target: { ...disk.target, encrypted: true, kmsKeyArn } })
      },
      options: {},
      error: 'TargetUnwritable',
      says: /The KMS key is not one of this region/,
    },
    {
      what: 'a key that may not be used',
      fault: async () => {
        const kmsKeyArn = 'arn:aws:kms:eu-central-1:111122223333:key/1'
        await writer.begin({ ...disk, token: 'aaaaaaaa', target: { ...disk.target, encrypted: true, kmsKeyArn } })
      },
      options: { authorize: ({ action }: { action: string }) => !action.startsWith('kms:') },
      error: 'TargetUnwritable',
      says: /the account may not use it: it needs kms:DescribeKey/,
    },
    {
      what: 'a web page in place of an answer',
      fault: async () => {
        lab.control.answerPage('StartSnapshot')
        await writer.begin({ ...disk, token: 'aaaaaaaa' })
      },
      options: {},
      error: 'TargetUnwritable',
      says: /isn't as EBS direct documents it/,
    },
  ])('say what to do about $what', async ({ fault, options, error, says }) => {
    await opened(options)
    const one = await begun()
    await expect(fault(one)).rejects.toMatchObject({ name: error, message: expect.stringMatching(says) })
  })
})

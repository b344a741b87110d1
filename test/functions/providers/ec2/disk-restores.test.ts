/** Bringing disks back to EC2, over the lab: what is refused, what is made, what is removed. */
import { createHash } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { EBS_BLOCK_BYTES, ebsAccessSchema } from '../../../../functions/contracts/aws-access.ts'
import { backupOptionsSchema } from '../../../../functions/contracts/backup-options.ts'
import type {
  BroughtDisks,
  DiskRestores,
  IntendedDisks,
} from '../../../../functions/providers/capabilities/disk-restores.ts'
import { restorePolicy } from '../../../../functions/providers/ec2/set-up.ts'
import { openEbsWriter } from '../../../../functions/writers/ebs/ebs.ts'
import { guardOf } from '../../../../local/iam/guard.ts'
import { readPolicy } from '../../../../local/iam/policy.ts'
import type { Ec2LabOptions } from '../../../../local/labs/ec2/lab.ts'
import { type Ec2Bed, ec2Bed, WEB } from './bed.ts'

const GIB = 2 ** 30
const TOKEN = '0f1e2d3c4b5a6978'
const KEY = 'arn:aws:kms:eu-central-1:111122223333:key/1'
let bed: Ec2Bed
afterEach(async () => bed.close())

function restoresOf({ provider }: Ec2Bed): DiskRestores {
  if (provider.diskRestores === undefined) throw new Error('EC2 brings disks back')
  return provider.diskRestores
}

/** The archive of an instance with two disks, as a backup describes it. */
async function archived(options: Ec2LabOptions = {}, target: Partial<IntendedDisks['target']> = {}) {
  bed = await ec2Bed({
    settings: { snapshotAsks: 0, imageAsks: 0 },
    instances: [
      {
        id: WEB,
        name: 'web',
        zone: 'eu-central-1b',
        bootMode: 'uefi',
        volumes: [
          { device: '/dev/xvda', sizeGiB: 1 },
          { device: '/dev/sdf', sizeGiB: 2, encrypted: true, kmsKeyId: KEY },
        ],
      },
    ],
    ...options,
  })
  const [guest] = await bed.provider.findGuests([WEB])
  if (guest === undefined) throw new Error('the instance is not there')
  const { jobRef } = await bed.provider.start(guest, backupOptionsSchema.parse({}), 'aaaaaaaaaaaaaaaa')
  for (let looks = 0; looks < 20 && (await bed.provider.check(jobRef)).running; looks += 1);
  const { sideFiles } = await bed.provider.gather(jobRef, guest, 'local')
  const file = sideFiles.find(({ name }) => name === 'guest.json')
  for (const { id } of bed.lab.control.snapshots()) bed.lab.control.removeSnapshot(id)
  const intended: IntendedDisks = {
    archive: {
      guest,
      disks: [
        { fileName: 'xvda.raw.zst', sizeBytes: GIB },
        { fileName: 'sdf.raw.zst', sizeBytes: 2 * GIB },
      ],
      description: file !== undefined && 'text' in file ? file.text : undefined,
      origin: 's3://archives/archives/aws/vm-web/',
    },
    target: { node: 'eu-central-1b', to: 'image', guest: { unique: false }, ...target },
    token: TOKEN,
  }
  return intended
}

/** Its disks, each with one block, as the writer leaves them. */
async function brought(intended: IntendedDisks): Promise<BroughtDisks> {
  const { disks } = await restoresOf(bed).checkTarget(intended)
  const writer = openEbsWriter('aws', ebsAccessSchema.parse(bed.site))
  const all: BroughtDisks['disks'][number][] = []
  for (const disk of disks) {
    const { token } = intended
    const ref = await writer.begin({ ...disk, token })
    const sum = await writer.put({ ...disk, token, ref }, 3, Buffer.alloc(EBS_BLOCK_BYTES, 1))
    await writer.seal({ ...disk, token, ref }, { count: 1, sha256: createHash('sha256').update(sum).digest() })
    all.push({ ...disk, ref })
  }
  await writer.close()
  return { ...intended, disks: all, sideFiles: new Map() }
}

const namesOf = ({ findings }: Awaited<ReturnType<DiskRestores['checkTarget']>>) =>
  findings.map(({ level, name }) => `${level} ${name}`)

describe('the first look at where disks of EC2 come back', () => {
  it('finds nothing against it, and keeps what was encrypted so, with the key of the same account and region', async () => {
    const intended = await archived()
    const report = await restoresOf(bed).checkTarget(intended)
    expect(report.findings).toEqual([])
    expect(report.disks).toMatchObject([
      { fileName: 'xvda.raw.zst', target: { sizeGib: 1, encrypted: false } },
      { fileName: 'sdf.raw.zst', target: { sizeGib: 2, encrypted: true, kmsKeyArn: KEY } },
    ])
    expect(report.disks[0]?.target).toHaveProperty('tags', [
      { key: 'Name', value: 'web /dev/xvda' },
      { key: 'guestlift:site', value: 'aws' },
      { key: 'guestlift:restore', value: TOKEN },
    ])
  })

  it.each([
    { what: 'a zone of another region', target: { node: 'us-east-1a' }, finds: ['refusal place-unfit'] },
    {
      what: 'a region for volumes',
      target: { node: 'eu-central-1', to: 'volume' as const },
      finds: ['refusal place-unfit'],
    },
    {
      what: 'a zone that is not there',
      target: { node: 'eu-central-1z', to: 'volume' as const },
      finds: ['refusal place-unfit'],
    },
    {
      what: 'a key of another region',
      target: { kmsKey: KEY.replace('eu-central', 'us-east') },
      finds: ['refusal key-unfit'],
    },
    {
      what: 'a missing right',
      options: { authorize: ({ action }: { action: string }) => action !== 'ec2:CreateVolume' },
      target: { to: 'volume' as const },
      finds: ['refusal privilege-missing'],
    },
    {
      what: 'an archived key that is of another account',
      options: { account: '999988887777' },
      target: {},
      finds: ['warning key-unfit'],
    },
  ])('tells of $what', async ({ options = {}, target, finds }) => {
    const intended = await archived(options, target)
    expect(namesOf(await restoresOf(bed).checkTarget(intended))).toEqual(finds)
  })

  it('refuses an image without the root disk or without a description, and makes volumes of them', async () => {
    const intended = await archived()
    const { archive } = intended
    const rootless = { ...intended, archive: { ...archive, disks: archive.disks.slice(1) } }
    expect(namesOf(await restoresOf(bed).checkTarget(rootless))).toEqual(['refusal archive-unfit'])
    const unknown = { ...intended, archive: { ...archive, description: undefined } }
    expect(namesOf(await restoresOf(bed).checkTarget(unknown))).toEqual(['refusal configuration-unknown'])
    const volumes = { ...unknown, target: { ...unknown.target, to: 'volume' as const } }
    expect(namesOf(await restoresOf(bed).checkTarget(volumes))).toEqual([])
  })

  it('warns that an image loses product codes and the billing of Windows', async () => {
    const intended = await archived()
    const description = JSON.parse(intended.archive.description ?? '{}') as { instance: object }
    const instance = {
      ...description.instance,
      platform: 'windows',
      productCodes: [{ productCode: 'abc', type: 'marketplace' }],
    }
    const licensed = {
      ...intended,
      archive: { ...intended.archive, description: JSON.stringify({ ...description, instance }) },
    }
    const { findings } = await restoresOf(bed).checkTarget(licensed)
    expect(findings).toMatchObject([{ name: 'licence-lost', level: 'warning' }])
    expect(findings[0]?.message).toContain('product codes of AWS Marketplace and its billing as Windows')
  })
})

describe('the policy for the account that restores', () => {
  it('lets it do all of this to what bears its tags, and nothing to other snapshots', async () => {
    const identity = readPolicy(restorePolicy('aws'), 'identity')
    const guard = guardOf({ name: 'restore', arn: 'arn:aws:iam::111122223333:role/restore', identity, resource: [] })
    const refused: string[] = []
    const intended = await archived()
    // A backup's rights are none of its.
    await bed.close()
    bed = await ec2Bed({
      settings: { snapshotAsks: 0, imageAsks: 0 },
      authorize: ({ action, resource, context }) => {
        const lower = Object.fromEntries(Object.entries(context).map(([key, values]) => [key.toLowerCase(), values]))
        const refusal = action.startsWith('kms:') ? undefined : guard.refuses(action, resource, lower)
        if (refusal !== undefined) refused.push(`${action} ${resource}`)
        return refusal === undefined
      },
    })
    const restores = restoresOf(bed)
    for (const to of ['image', 'volume'] as const) {
      const token = `${TOKEN}${to}`
      const disks = await brought({ ...intended, token, target: { ...intended.target, to } })
      await restores.make(disks)
      await restores.removeMade(disks.disks, 'bbbbbbbbbbbbbbbb', to)
    }
    expect(refused).toEqual([])
    expect(
      guard.refuses('ec2:DeleteSnapshot', 'arn:aws:ec2:eu-central-1::snapshot/snap-1', {
        'aws:resourcetag/guestlift:site': ['aws'],
        'aws:resourcetag/guestlift:run': ['x'],
      }),
    ).toBeDefined()
  })
})

describe('what is made of disks of EC2', () => {
  it.each(['image', 'volume'] as const)(
    'is one %s however often it is asked for and whatever answer is lost',
    async (to) => {
      const disks = await brought(await archived({}, { to }))
      const { control } = bed.lab
      const restores = restoresOf(bed)
      expect(await restores.stateOf(disks)).toEqual({ state: 'whole' })
      control.loseAnswer(to === 'image' ? 'RegisterImage' : 'CreateVolume')
      await restores.make(disks).catch(() => undefined)
      const first = await restores.make(disks)
      let again = await restores.make(disks)
      for (let looks = 0; looks < 5 && !again.ready; looks += 1) again = await restores.make(disks)
      expect(again).toMatchObject({ ready: true, made: first.made })
      expect(
        to === 'image' ? control.images() : control.volumes().filter(({ tags }) => tags.has('guestlift:restore')),
      ).toHaveLength(to === 'image' ? 1 : 2)
      expect(await restores.compare(disks, again.made)).toEqual({ differences: [], expected: [] })
      // All of it was made: it stays, whoever cleans up.
      expect(await restores.removeMade(disks.disks, TOKEN, to)).toEqual({ whole: true, left: [] })
      expect(control.snapshots()).toHaveLength(2)
    },
  )

  it('is removed by its tags where it is not whole, and again when it is gone', async () => {
    const disks = await brought(await archived())
    const unnoted = disks.disks.map(({ ref: _unknown, ...disk }) => disk)
    expect(await restoresOf(bed).removeMade(unnoted, TOKEN, 'image')).toEqual({ whole: false, left: [] })
    expect(bed.lab.control.snapshots()).toEqual([])
    expect(await restoresOf(bed).removeMade(disks.disks, TOKEN, 'image')).toEqual({ whole: false, left: [] })
  })

  it('is named with the command that removes it, where that is refused', async () => {
    const disks = await brought(await archived({ authorize: ({ action }) => action !== 'ec2:DeleteSnapshot' }))
    const { left } = await restoresOf(bed).removeMade(disks.disks, TOKEN, 'image')
    expect(left).toHaveLength(2)
    expect(left[0]?.removeWith).toMatch(/^aws ec2 delete-snapshot --region eu-central-1 --snapshot-id snap-/)
  })

  it('counts as removed when it is gone, though whoever may only remove what bears a tag is refused', async () => {
    const bearsTag = (context: Record<string, string[]>) => context['aws:ResourceTag/guestlift:restore'] !== undefined
    const authorize: Ec2LabOptions['authorize'] = ({ action, resource, context }) =>
      action !== 'ec2:DeleteSnapshot' || resource === '*' || bearsTag(context)
    const disks = await brought(await archived({ settings: { goneIsDenied: true }, authorize }))
    const [gone, untagged] = disks.disks.map(({ ref }) => ref ?? '')
    bed.lab.control.removeSnapshot(gone ?? '')
    // Somebody took its tags: it is there, so it is reported.
    bed.lab.control.snapshots()[0]?.tags.clear()
    const { left } = await restoresOf(bed).removeMade(disks.disks, TOKEN, 'image')
    expect(left.map(({ removeWith }) => removeWith)).toEqual([
      `aws ec2 delete-snapshot --region eu-central-1 --snapshot-id ${untagged}`,
    ])
  })

  it('is not made of a snapshot that failed or is gone', async () => {
    const disks = await brought(await archived())
    const [one] = disks.disks.map(({ ref }) => ref)
    bed.lab.control.failSnapshot(one ?? '', 'a key was disabled')
    expect(await restoresOf(bed).stateOf(disks)).toMatchObject({
      state: 'failed',
      said: expect.stringMatching(/a key was disabled$/),
    })
    bed.lab.control.removeSnapshot(one ?? '')
    expect(await restoresOf(bed).stateOf(disks)).toMatchObject({
      state: 'missing',
      said: expect.stringMatching(/is gone/),
    })
  })
})

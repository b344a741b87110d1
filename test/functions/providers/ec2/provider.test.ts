import { afterEach, describe, expect, it } from 'vitest'
import { ebsAccessSchema } from '../../../../functions/contracts/aws-access.ts'
import { type BackupOptions, backupOptionsSchema } from '../../../../functions/contracts/backup-options.ts'
import { judge } from '../../../../functions/domain/backup/verdict.ts'
import type { FoundGuest } from '../../../../functions/providers/guest-facts.ts'
import { openEbsRoute } from '../../../../functions/readers/ebs/ebs.ts'
import type { Ec2LabOptions } from '../../../../local/labs/ec2/lab.ts'
import { type Ec2Bed, ec2Bed, WEB } from './bed.ts'

const TOKEN = '0f1e2d3c4b5a6978'
const work = { guestIds: [WEB], storage: 'local', deleteSource: false }
let bed: Ec2Bed
afterEach(() => bed.close())

async function opened(options: Ec2LabOptions = {}): Promise<Ec2Bed> {
  bed = await ec2Bed(options)
  return bed
}

async function web(): Promise<FoundGuest> {
  const [guest] = await bed.provider.findGuests([WEB])
  if (guest === undefined) throw new Error('the instance is not there')
  return guest
}

function options(more: object = {}): BackupOptions {
  return backupOptionsSchema.parse(more)
}

async function started(more: object = {}) {
  const guest = await web()
  const { jobRef } = await bed.provider.start(guest, options(more), TOKEN)
  for (let looks = 0; looks < 20 && (await bed.provider.check(jobRef)).running; looks += 1);
  return { guest, jobRef }
}

async function verdict(jobRef: string, guest: FoundGuest) {
  const { evidence } = await bed.provider.gather(jobRef, guest, 'local')
  return judge(evidence, bed.provider.judgeJob)
}

const tagsOf = (snapshot: { tags: ReadonlyMap<string, string> } | undefined) => Object.fromEntries(snapshot?.tags ?? [])

describe('guests of EC2', () => {
  it('are the living instances of all regions, by id, with names, tags and zones', async () => {
    await opened({
      regions: ['eu-central-1', 'us-east-1'],
      instances: [
        { id: 'i-00000000000000002', name: 'one', zone: 'us-east-1c', tags: { env: 'prod', spot: '' }, volumes: [] },
        { id: 'i-00000000000000001', zone: 'eu-central-1a', state: 'stopped', volumes: [] },
        { id: 'i-00000000000000003', zone: 'eu-central-1a', state: 'terminated' },
      ],
    })
    const { guests, notes } = await bed.provider.listGuests()
    expect(guests.map(({ id, name, node, state, tags }) => ({ id, name, node, state, tags }))).toEqual([
      { id: 'i-00000000000000001', name: 'i-00000000000000001', node: 'eu-central-1a', state: 'stopped', tags: [] },
      {
        id: 'i-00000000000000002',
        name: 'one',
        node: 'us-east-1c',
        state: 'running',
        tags: ['env=prod', 'env', 'spot'],
      },
    ])
    // Both have no volume: that is said, and neither is hidden.
    expect(notes).toHaveLength(2)
    expect(notes[0]).toContain('it has no EBS volume')
  })

  it('are read page by page, and none is missed', async () => {
    const instances = Array.from({ length: 1_100 }, (_, index) => ({ id: `i-${index.toString(16).padStart(17, '0')}` }))
    await opened({ instances })
    const { guests } = await bed.provider.listGuests()
    expect(new Set(guests.map(({ id }) => id)).size).toBe(1_100)
    expect(bed.lab.control.calls('DescribeInstances')).toBe(2)
  })

  it('keep names and tags as they are, whatever XML makes of them', async () => {
    const name = `<b>&amp; "Ünit" 0012 ]]>`
    await opened({ instances: [{ id: WEB, name, tags: { code: '00012', flag: 'true', empty: '' } }] })
    expect((await bed.provider.listGuests()).guests).toMatchObject([
      { name, tags: ['code=00012', 'code', 'flag=true', 'flag', 'empty'] },
    ])
  })

  it('have their volumes described, with what the job leaves out', async () => {
    await opened()
    const planned = { options: options({ skipDisks: ['sdf'] }), state: 'running' as const }
    const { disks, bestGrade } = await bed.provider.describeGuest(await web(), planned)
    expect(disks.map(({ key, included, sizeBytes }) => ({ key, included, sizeBytes }))).toEqual([
      { key: '/dev/sdf', included: false, sizeBytes: 2 * 2 ** 30 },
      { key: '/dev/xvda', included: true, sizeBytes: 8 * 2 ** 30 },
    ])
    expect(bestGrade).toMatchObject({ consistency: 'crash', gaps: [{ name: 'disks', chosen: true }] })
  })
})

describe('a backup on EC2', () => {
  it('is one call for all volumes, whose snapshots say whose they are', async () => {
    await opened()
    const { guest, jobRef } = await started({ notes: 'before the upgrade' })
    expect(jobRef).toBe(`eu-central-1/${WEB}/${TOKEN}`)
    const snapshots = bed.lab.control.snapshots()
    expect(snapshots).toHaveLength(2)
    expect(bed.lab.control.calls('CreateSnapshots')).toBe(1)
    expect(tagsOf(snapshots[0])).toMatchObject({
      'guestlift:site': 'aws',
      'guestlift:guest': WEB,
      'guestlift:run': TOKEN,
      'guestlift:volumes': '2',
    })
    expect(await verdict(jobRef, guest)).toMatchObject({ name: 'archived', good: true })
    const { evidence, sideFiles } = await bed.provider.gather(jobRef, guest, 'local')
    expect(evidence.sources?.map(({ artifact }) => artifact.fileName).toSorted()).toEqual([
      'sdf.raw.zst',
      'xvda.raw.zst',
    ])
    expect(evidence.sources?.[0]?.artifact).toMatchObject({ encoding: 'raw-disk', location: { type: 'ebs-snapshot' } })
    expect(evidence.grade).toMatchObject({ consistency: 'crash' })
    expect(JSON.parse(sideFiles[0] !== undefined && 'text' in sideFiles[0] ? sideFiles[0].text : '')).toMatchObject({
      instance: { instanceId: WEB, architecture: expect.any(String), tags: { Name: 'web' } },
      volumes: [{ device: '/dev/sdf' }, { device: '/dev/xvda' }],
    })
  })

  it('leaves out the disks that the job names, and the boot volume if it says so', async () => {
    await opened()
    const { jobRef, guest } = await started({ skipDisks: ['/dev/sdf'] })
    expect(bed.lab.control.snapshots()).toHaveLength(1)
    const { evidence } = await bed.provider.gather(jobRef, guest, 'local')
    expect(evidence.grade?.gaps).toMatchObject([{ name: 'disks', chosen: true }])
    expect(judge(evidence, bed.provider.judgeJob).good).toBe(true)
    await bed.provider.release({ guest, jobRef, sources: [] }, false)
    await started({ own: { ec2: { excludeBootVolume: true } } })
    expect(bed.lab.control.snapshots().map(({ sizeGiB }) => sizeGiB)).toEqual([2])
  })

  it.each([
    ['m5.large', { gaps: [] }],
    ['m5d.large', { gaps: [{ name: 'disks', what: 'the instance stores of its type m5d.large' }] }],
  ])('of a type %s says what no snapshot holds', async (type, grade) => {
    await opened({ instances: [{ id: WEB, type }] })
    const { jobRef, guest } = await started()
    const { evidence } = await bed.provider.gather(jobRef, guest, 'local')
    expect(evidence.grade).toMatchObject(grade)
    expect(evidence.grade).not.toHaveProperty('gapsMayLack')
  })

  it('says that it may lack something where types are not shown', async () => {
    await opened({ authorize: ({ action }) => action !== 'ec2:DescribeInstanceTypes' })
    const { jobRef, guest } = await started()
    const { evidence } = await bed.provider.gather(jobRef, guest, 'local')
    expect(evidence.grade).toHaveProperty('gapsMayLack')
  })

  it('is refused for a disk that the instance does not have, and nothing is made', async () => {
    await opened()
    await expect(bed.provider.start(await web(), options({ skipDisks: ['sdz'] }), TOKEN)).rejects.toMatchObject({
      name: 'RequestRejected',
      message: expect.stringContaining('/dev/xvda'),
    })
    expect(bed.lab.control.snapshots()).toEqual([])
  })

  it('that would hold nothing is refused with the reason', async () => {
    await opened({ instances: [{ id: WEB, rootDeviceType: 'instance-store', volumes: [] }] })
    await expect(bed.provider.start(await web(), options(), TOKEN)).rejects.toMatchObject({ name: 'SourceUnreadable' })
    expect(bed.lab.control.calls('CreateSnapshots')).toBe(0)
  })

  it('whose answer is lost is unclear, and is found again by its token', async () => {
    await opened()
    const guest = await web()
    bed.lab.control.loseAnswer('CreateSnapshots')
    await expect(bed.provider.start(guest, options(), TOKEN)).rejects.toMatchObject({ name: 'BackupStartUnclear' })
    const [job, ...others] = await bed.provider.findJobs(guest, new Date(0))
    expect(others).toEqual([])
    expect(await bed.provider.readMark(job?.jobRef ?? '')).toEqual({ token: TOKEN })
    expect(bed.lab.control.calls('CreateSnapshots')).toBe(1)
  })

  it('waits out a throttle, which proves that nothing was made', async () => {
    await opened()
    bed.lab.control.throttle('CreateSnapshots', 2)
    await started()
    expect(bed.lab.control.snapshots()).toHaveLength(2)
  })

  it('of an account without the right fails with its name', async () => {
    await opened({ authorize: ({ action }) => action !== 'ec2:CreateSnapshots' })
    await expect(bed.provider.start(await web(), options(), TOKEN)).rejects.toMatchObject({
      name: 'PrivilegeMissing',
      message: expect.stringContaining('ec2:CreateSnapshots'),
    })
    expect(await bed.provider.missingPrivileges(work)).toEqual([
      { privilege: 'ec2:CreateSnapshots', path: `eu-central-1/${WEB}` },
    ])
  })

  it('is waited for while a snapshot is pending, and tells how far the slowest is', async () => {
    await opened()
    bed.lab.control.holdSnapshots()
    const guest = await web()
    const { jobRef } = await bed.provider.start(guest, options(), TOKEN)
    expect(await bed.provider.check(jobRef)).toMatchObject({ running: true, progressPercent: expect.any(Number) })
    expect(await verdict(jobRef, guest)).toMatchObject({ name: 'job-interrupted', good: false })
    bed.lab.control.finishSnapshots()
    expect(await bed.provider.check(jobRef)).toMatchObject({ running: false })
    expect((await verdict(jobRef, guest)).good).toBe(true)
  })

  it('is no archive when a snapshot of the set fails, and says why', async () => {
    await opened()
    const { guest, jobRef } = await started()
    bed.lab.control.failSnapshot(bed.lab.control.snapshots()[0]?.id ?? '', 'The KMS key is disabled')
    expect(await verdict(jobRef, guest)).toMatchObject({
      name: 'backup-failed',
      reason: expect.stringContaining('The KMS key is disabled'),
    })
  })

  it('is no archive when somebody removed a snapshot of the set, or all', async () => {
    await opened()
    const { guest, jobRef } = await started()
    bed.lab.control.removeSnapshot(bed.lab.control.snapshots()[0]?.id ?? '')
    expect(await verdict(jobRef, guest)).toMatchObject({ name: 'archive-missing', good: false })
    bed.lab.control.removeSnapshot(bed.lab.control.snapshots()[0]?.id ?? '')
    expect(await verdict(jobRef, guest)).toMatchObject({ name: 'archive-missing', good: false })
  })

  it('is seen whole although lists lag behind', async () => {
    await opened({ settings: { hideNewSnapshots: 3 } })
    const { guest, jobRef } = await started()
    expect((await verdict(jobRef, guest)).good).toBe(true)
    expect(bed.waits.length).toBeGreaterThan(0)
  })

  it('that runs is stopped by removing it; one that has ended is left alone', async () => {
    await opened()
    bed.lab.control.holdSnapshots()
    const { jobRef } = await bed.provider.start(await web(), options(), TOKEN)
    await bed.provider.stop(jobRef, 10)
    expect(bed.lab.control.snapshots()).toEqual([])
    bed.lab.control.finishSnapshots()
    const ended = await started()
    await bed.provider.stop(ended.jobRef, 10)
    expect(bed.lab.control.snapshots()).toHaveLength(2)
  })
})

describe('releasing on EC2', () => {
  it('removes what bears our token and nothing else, and is content with what is gone', async () => {
    await opened()
    const { guest, jobRef } = await started()
    const other = await bed.provider.start(guest, options(), 'ffffffffffffffff')
    bed.lab.control.removeSnapshot(bed.lab.control.snapshots()[0]?.id ?? '')
    expect(await bed.provider.release({ guest, jobRef, sources: [] }, false)).toEqual({ released: true })
    expect(bed.lab.control.snapshots()).toHaveLength(2)
    await bed.provider.release({ guest, token: 'ffffffffffffffff', sources: [] }, false)
    expect(bed.lab.control.snapshots()).toEqual([])
    expect(other.jobRef).toContain('ffffffffffffffff')
  })

  it('never removes a snapshot of another site, or one that only looks like ours', async () => {
    await opened()
    const { guest } = await started()
    const stranger = bed.open({}) // the same account
    expect(stranger.platform).toBe('ec2')
    for (const snapshot of bed.lab.control.snapshots()) snapshot.tags.set('guestlift:site', 'another')
    const refs = bed.lab.control.snapshots().map(({ id }) => ({ artifactRef: id, node: guest.node }))
    await bed.provider.release({ guest, token: TOKEN, sources: refs }, false)
    expect(bed.lab.control.snapshots()).toHaveLength(2)
    expect(await bed.provider.findStrays(new Date(Date.now() + 3_600_000))).toEqual([])
  })

  it('takes a snapshot for gone that lists do not have, though removing it is refused', async () => {
    await opened({
      settings: { goneIsDenied: true },
      authorize: ({ resource, context, action }) =>
        action !== 'ec2:DeleteSnapshot' || resource === '*' || context['aws:ResourceTag/guestlift:site']?.[0] === 'aws',
    })
    const { guest, jobRef } = await started()
    const [one] = bed.lab.control.snapshots()
    const go = bed.lab.control.holdAnswer('DescribeSnapshots')
    const releasing = bed.provider.release({ guest, jobRef, sources: [] }, false)
    bed.lab.control.removeSnapshot(one?.id ?? '')
    go()
    expect(await releasing).toEqual({ released: true })
    expect(bed.lab.control.snapshots()).toEqual([])
  })

  it('says who holds a snapshot that can not be removed, and removes the others', async () => {
    await opened()
    const { guest, jobRef } = await started()
    const [held] = bed.lab.control.snapshots()
    bed.lab.control.refuse('DeleteSnapshot', {
      status: 400,
      code: 'InvalidSnapshot.InUse',
      message: 'The snapshot is currently in use by ami-0123',
    })
    await expect(bed.provider.release({ guest, jobRef, sources: [] }, false)).rejects.toMatchObject({
      name: 'PlatformTaskFailed',
      message: expect.stringContaining('ami-0123'),
    })
    expect(bed.lab.control.snapshots()).toHaveLength(1)
    expect(held).toBeDefined()
    await bed.provider.release({ guest, jobRef, sources: [] }, false)
    expect(bed.lab.control.snapshots()).toEqual([])
  })

  it('are told from those of another installation whose site has the same name', async () => {
    await opened()
    const [ours, theirs] = ['archives/', 'team&b/x/'].map((home) => bed.open({}, home))
    const [guest] = await bed.provider.findGuests([WEB])
    if (guest === undefined || ours === undefined || theirs === undefined) throw new Error('no instance')
    const options = backupOptionsSchema.parse({})
    const { jobRef } = await ours.start(guest, options, '0f1e2d3c4b5a6978')
    await theirs.start(guest, options, '1f1e2d3c4b5a6978')
    const buckets = bed.lab.control.snapshots().map(({ tags }) => tags.get('guestlift:bucket'))
    expect(new Set(buckets)).toEqual(new Set(['archives/', 'team_b/x/']))
    const later = new Date(Date.now() + 3_600_000)
    expect((await ours.findJobs(guest, new Date(0))).map((job) => job.jobRef)).toEqual([jobRef])
    expect((await ours.findStrays(later)).map(({ made, doubt }) => [made.jobRef, doubt])).toEqual([[jobRef, undefined]])
    for (const { tags } of bed.lab.control.snapshots()) tags.delete('guestlift:bucket')
    expect((await ours.findStrays(later)).map(({ doubt }) => doubt)).toEqual([
      expect.stringMatching(/^It names no bucket/),
      expect.stringMatching(/^It names no bucket/),
    ])
  })

  it('finds strays of guests that are long gone', async () => {
    await opened()
    await started()
    bed.lab.control.removeInstance(WEB)
    const [stray, ...others] = await bed.provider.findStrays(new Date(Date.now() + 60_000))
    expect(others).toEqual([])
    expect(stray).toMatchObject({
      what: expect.stringMatching(/^snapshots snap-\w+, snap-\w+ of instance i-/),
      removeWith: expect.stringContaining('aws ec2 delete-snapshot --region eu-central-1'),
      made: { token: TOKEN, guest: { id: WEB } },
    })
    if (stray !== undefined) await bed.provider.release(stray.made, false)
    expect(bed.lab.control.snapshots()).toEqual([])
  })
})

describe('an account of AWS', () => {
  it('is named by its number, which another role of it shares', async () => {
    const role = 'arn:aws:iam::111122223333:role/backup'
    await opened({ roles: [{ arn: role, externalId: 'word' }] })
    const { accessKeyId, secretAccessKey } = bed.lab.credentials[0] ?? { accessKeyId: '', secretAccessKey: '' }
    const auth = { accessKeyId, secretAccessKey, roleArn: role, externalId: 'word' }
    const provider = bed.open({ auth })
    expect(await provider.clusterId()).toBe(await bed.provider.clusterId())
    bed.lab.control.expireSessions()
    // A refusal for that reason did nothing: the role is assumed again.
    expect((await provider.listGuests()).guests).toHaveLength(1)
    expect(bed.lab.control.calls('AssumeRole')).toBe(2)
    const wrong = bed.open({ auth: { ...auth, externalId: 'another' } })
    await expect(wrong.identify()).rejects.toMatchObject({
      name: 'PrivilegeMissing',
      message: expect.stringMatching(/role arn:aws:iam::111122223333:role\/backup can't be assumed .*external id/),
    })
    // A block's reader asks for the same role: it is the role that is refused, not the right to read.
    const access = ebsAccessSchema.parse({ ...bed.site, auth: { ...auth, externalId: 'another' } })
    const location = { type: 'ebs-snapshot', node: 'eu-central-1b', region: 'eu-central-1', snapshotId: 'snap-0a' }
    const place = { ...location, device: '/dev/xvda', volumeId: 'vol-0a', startedAt: '2026-11-30T00:00:00.000Z' }
    await expect(openEbsRoute('aws', access).open(place)).rejects.toMatchObject({
      name: 'PrivilegeMissing',
      message: expect.stringContaining("can't be assumed"),
    })
  })

  it('that does not know the key refuses with what to check', async () => {
    await opened()
    const auth = { accessKeyId: 'AKIANOBODY0000000000', secretAccessKey: 'x' }
    await expect(bed.open({ auth }).identify()).rejects.toMatchObject({
      name: 'CredentialsRejected',
      message: expect.stringContaining('`auth`'),
    })
    const secret = 'a-wrong-secret-of-this-test'
    const known = { accessKeyId: bed.lab.credentials[0]?.accessKeyId, secretAccessKey: secret }
    const error = await bed
      .open({ auth: known })
      .identify()
      .catch((cause: unknown) => cause)
    expect(error).toMatchObject({ name: 'CredentialsRejected' })
    expect(String(error)).not.toContain(secret)
  })

  it.each([
    ['is silent', () => bed.lab.control.dropRequest('DescribeInstances', 99)],
    ['is overloaded', () => bed.lab.control.throttle('DescribeInstances', 99)],
    ['shows a web page', () => bed.lab.control.answerPage('DescribeInstances', 200, 99)],
    ['shows a web page of a broken proxy', () => bed.lab.control.answerPage('DescribeInstances', 502, 99)],
    ['cuts its answers', () => bed.lab.control.cutAnswer('DescribeInstances', 99)],
  ])('that %s is unavailable, and never an account without guests', async (_, break_) => {
    await opened()
    break_()
    await expect(bed.provider.listGuests()).rejects.toMatchObject({ name: 'PlatformUnavailable' })
  })

  it('that stumbles is asked again', async () => {
    await opened()
    bed.lab.control.throttle('DescribeInstances', 2)
    bed.lab.control.dropRequest('DescribeInstances', 1)
    expect((await bed.provider.listGuests()).guests).toHaveLength(1)
    expect(bed.waits).toHaveLength(3)
  })

  it('whose clock is off is measured', async () => {
    await opened({ checkDates: false })
    bed.lab.control.setClockSkew(-3_600_000)
    const clock = await bed.provider.clock('eu-central-1b')
    expect(clock?.offsetSeconds).toBeGreaterThan(-3_610)
    expect(clock?.offsetSeconds).toBeLessThan(-3_590)
  })

  it('takes the compression that there is', async () => {
    await opened()
    await expect(bed.provider.requireOptions(options({ compress: 'gzip' }))).rejects.toMatchObject({
      name: 'RequestRejected',
      message: expect.stringContaining('zstd'),
    })
    await bed.provider.requireOptions(options())
  })
})

describe('power of an instance', () => {
  const patience = { timeoutSeconds: 60 }

  it('is switched, waited for, and left alone where it is as wanted', async () => {
    await opened()
    const guest = await web()
    const power = bed.provider.power
    expect(await power?.order(guest, 'start', patience)).toMatchObject({ changed: false })
    expect(await power?.order(guest, 'shutdown', patience)).toMatchObject({
      changed: true,
      state: { status: 'stopped', uptimeSeconds: 0 },
    })
    expect(await power?.order(guest, 'stop', patience)).toMatchObject({ changed: false })
    await expect(power?.order(guest, 'reboot', patience)).rejects.toMatchObject({ name: 'RequestRejected' })
    expect(await power?.order(guest, 'start', patience)).toMatchObject({ changed: true, state: { status: 'running' } })
  })

  it('is not taken from what Auto Scaling would replace', async () => {
    await opened({ instances: [{ id: WEB, autoScalingGroup: 'web-fleet' }] })
    const guest = await web()
    await expect(bed.provider.power?.order(guest, 'shutdown', patience)).rejects.toMatchObject({
      name: 'RequestRejected',
      message: expect.stringContaining('web-fleet'),
    })
    expect(bed.lab.control.calls('StopInstances')).toBe(0)
    expect(await bed.provider.power?.state(guest)).toMatchObject({ status: 'running', highlyAvailable: true })
  })

  it('is unclear when the answer to the order is lost', async () => {
    await opened()
    bed.lab.control.loseAnswer('StopInstances')
    await expect(bed.provider.power?.order(await web(), 'stop', patience)).rejects.toMatchObject({
      name: 'PlatformUnavailable',
      message: expect.stringContaining('may have been taken'),
    })
  })
})

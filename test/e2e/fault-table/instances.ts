/** What goes wrong while instances of EC2 are backed up. */
import { WEB } from '../ec2-bed.ts'
import type { Arming, Ending, InstanceFault } from './fault.ts'
import { BLOCKS, type InstanceBed } from './instance-bed.ts'

const theme = 'EC2'
const start = { when: 'at the start' } as const
/** A fault of this file, that strikes at the start unless told. */
type Written = Omit<InstanceFault, 'theme' | 'when'> & Partial<Pick<InstanceFault, 'when'>>
const well = { expected: 'succeeded' } as const
const killed = /Runtime\.ExitError.*signal: killed/

/** The account says so to each call of an action, as often as it is asked. */
function refusing(action: string, status: number, code: string, times = 1, reason?: string) {
  return ({ account }: InstanceBed): void => {
    const message = 'The lab says so.'
    account.refuse(action, { status, code, message, ...(reason === undefined ? {} : { reason }) }, times)
  }
}

/** A function is killed when AWS has done what it asked, and before it learns of that. */
function killedAfterCall(stem: string, action: string) {
  return (bed: InstanceBed): void => bed.account.onceDone(action, async () => void (await bed.kill(stem)))
}

function killedAfterS3(stem: string, operation: string, end: string) {
  return (bed: InstanceBed): void => {
    let left = 1
    bed.s3.onDone = async (done) => {
      if (done.operation !== operation || done.key?.endsWith(end) !== true || left-- <= 0) return
      await bed.kill(stem)
    }
  }
}

/** Others list snapshots, too: it is killed when its own state has come. */
function killedAsItLooks(bed: InstanceBed): void {
  bed.account.onceDone('DescribeSnapshots', () => killedAfterCall('check-backup', 'DescribeSnapshots')(bed))
}

function expectCalls(action: string, count: number) {
  return ({ account }: InstanceBed): void => {
    // A dry run, which asks for the right, is answered 412.
    const seen = account.seen.filter((call) => call.action === action && call.status !== 412).length
    if (seen !== count) throw new Error(`${action} was called ${seen} times in place of ${count}`)
  }
}
const frozenOnce = expectCalls('CreateSnapshots', 1)

/** Each block is read once: what S3 had was not read again. */
function readAtMost(most: number) {
  return ({ account }: InstanceBed): void => {
    if (account.blocksRead.length > most) throw new Error(`${account.blocksRead.length} blocks were read, not ${most}`)
  }
}

const answers: readonly Written[] = [
  {
    name: 'the keys are refused',
    byCommandAlone: true,
    happens: 'the run stops at once and names `auth`',
    inject: refusing('*', 401, 'AuthFailure', 999),
    expected: ['CredentialsRejected'],
    cause: /`auth`/,
  },
  {
    name: 'the right to make snapshots is missing',
    happens: 'the run stops before anything is made, and names the right',
    inject: refusing('CreateSnapshots', 403, 'UnauthorizedOperation', 9),
    expected: ['PrivilegeMissing'],
    cause: /ec2:CreateSnapshots/,
  },
  {
    name: 'the answer to making snapshots is lost',
    byCommandAlone: true,
    happens: 'they are found by their tags, and none is made twice',
    when: { state: 'Create snapshots' },
    inject: ({ account }) => account.loseAnswer('CreateSnapshots'),
    ...well,
    check: frozenOnce,
  },
  {
    name: 'a volume had a snapshot just now',
    byCommandAlone: true,
    happens: 'it is asked again later',
    when: { state: 'Create snapshots' },
    inject: refusing('CreateSnapshots', 400, 'SnapshotCreationPerVolumeRateExceeded'),
    ...well,
  },
  {
    name: 'the account makes as many snapshots as it may',
    byCommandAlone: true,
    happens: 'it is asked again later',
    when: { state: 'Create snapshots' },
    inject: refusing('CreateSnapshots', 400, 'PendingSnapshotLimitExceeded', 2),
    ...well,
  },
  {
    name: 'EC2 and EBS direct have too many requests',
    byCommandAlone: true,
    happens: 'it is waited longer and longer',
    inject: ({ account }) => {
      account.throttle('DescribeSnapshots', 2)
      account.throttle('ListSnapshotBlocks', 2)
      account.throttle('GetSnapshotBlock', 4)
    },
    ...well,
  },
  {
    name: 'connections to EC2 and EBS direct end, before or in the middle of an answer',
    byCommandAlone: true,
    happens: 'the same is asked again',
    inject: ({ account }) => {
      account.dropRequest('DescribeSnapshots')
      account.cutAnswer('DescribeVolumes')
      account.cutAnswer('ListSnapshotBlocks')
      account.dropRequest('GetSnapshotBlock', 3)
      account.cutAnswer('GetSnapshotBlock', 3)
    },
    ...well,
  },
  {
    name: 'a web page answers in place of EC2',
    byCommandAlone: true,
    happens: 'the run fails and names `endpoints`',
    inject: ({ account }) => account.answerPage('DescribeInstances', 200, 99),
    expected: ['PlatformUnavailable'],
    cause: /`endpoints`/,
  },
]

const snapshots: readonly Written[] = [
  {
    name: 'the instance is gone before its snapshots are made',
    byCommandAlone: true,
    happens: 'the guest fails',
    when: { state: 'Create snapshots' },
    inject: ({ account }) => account.removeInstance(WEB),
    expected: ['GuestNotFound'],
  },
  {
    name: 'a snapshot ends in an error',
    happens: "the guest fails with AWS's own reason, and its other snapshots are removed",
    inject: (bed) => bed.account.holdSnapshots(),
    instead: (bed, arming) =>
      bed.run(
        at(arming, 'Wait for snapshots', () => {
          bed.account.failSnapshot(bed.account.snapshots()[0]?.id ?? '', 'Given key ID is not accessible')
          bed.account.finishSnapshots()
        }),
      ),
    expected: ['BackupFailed', 'backup-failed'],
    cause: /Given key ID is not accessible/,
  },
  {
    name: 'somebody removes a snapshot while it is read',
    byCommandAlone: true,
    happens: 'the guest fails, and the message names lifecycle rules',
    inject: ({ account }) =>
      account.onceDone('GetSnapshotBlock', () => {
        for (const { id } of account.snapshots()) account.removeSnapshot(id)
      }),
    expected: ['SourceUnreadable'],
    cause: /lifecycle rule/,
  },
  {
    name: 'a snapshot is moved to the archive tier',
    happens: 'the guest fails, and the message names the tier',
    when: { state: 'Copy parts' },
    inject: ({ account }) => {
      for (const { id } of account.snapshots()) account.archiveSnapshot(id)
    },
    expected: ['SourceUnreadable'],
    cause: /archive tier/,
  },
  {
    name: 'an image was made of a snapshot of ours',
    happens: 'the archive is whole; the snapshot stays, and the report names it with the command',
    inject: refusing('DeleteSnapshot', 400, 'InvalidSnapshot.InUse', 9_999),
    ...well,
    leavesSnapshots: true,
  },
]

const blocks: readonly Written[] = [
  {
    name: 'tokens of blocks are too old',
    byCommandAlone: true,
    happens: 'the blocks are listed again',
    inject: refusing('GetSnapshotBlock', 400, 'ValidationException', 1, 'INVALID_BLOCK_TOKEN'),
    ...well,
  },
  {
    name: "a block's bytes are damaged on the way",
    byCommandAlone: true,
    happens: 'it is read again',
    when: { state: 'Copy parts' },
    inject: (bed) => damage(bed, 2),
    ...well,
  },
  {
    name: "a block's bytes are damaged each time",
    happens: 'the guest fails, and S3 never took a wrong byte',
    when: { state: 'Copy parts' },
    inject: (bed) => damage(bed, 999),
    expected: ['ChecksumMismatch'],
    cause: /SHA-256/,
  },
  {
    name: 'the key of an encrypted volume is refused',
    happens: 'the guest fails, and the message names kms:Decrypt',
    when: { state: 'Copy parts' },
    inject: refusing('GetSnapshotBlock', 403, 'AccessDeniedException', 999, 'DEPENDENCY_ACCESS_DENIED'),
    expected: ['SourceUnreadable'],
    cause: /kms:Decrypt/,
  },
]

const kills: readonly InstanceFault[] = (
  [
    ['makes snapshots is killed when AWS has made them', killedAfterCall('start-backup', 'CreateSnapshots')],
    ['looks at snapshots is killed as it looks', killedAsItLooks],
    ['lists blocks is killed as it lists them', killedAfterCall('open-upload', 'ListSnapshotBlocks')],
    ['copies is killed as it reads a block', killedAfterCall('copy-parts', 'GetSnapshotBlock')],
    ['copies is killed when S3 has a part', killedAfterS3('copy-parts', 'UploadPart', '.raw.zst')],
    [
      'completes the upload is killed when S3 has completed it',
      killedAfterS3('complete-upload', 'CompleteMultipartUpload', '.raw.zst'),
    ],
    ['writes the manifest is killed when S3 has it', killedAfterS3('write-manifest', 'PutObject', '/manifest.json')],
    ['removes the snapshots is killed when the first is gone', killedAfterCall('release-backup', 'DeleteSnapshot')],
  ] as const
).map(([what, inject]) => ({
  name: `the function that ${what}`,
  theme,
  happens: 'it is called again, and goes on with what is there',
  ...start,
  // Others ask the same before: the fault waits until the instance's turn has come.
  when: { state: 'Create snapshots' },
  inject,
  ...well,
  cause: killed,
  check: frozenOnce,
  ...(/^(looks|lists|copies|completes|writes)/.test(what) ? { byCommandAlone: true as const } : {}),
}))

const ends: readonly InstanceFault[] = [
  ...(['Wait for snapshots', 'Copy parts', 'Complete upload', 'Write manifest'] as const).map(
    (state): InstanceFault => ({
      name: `its operator stops the run at "${state}"`,
      theme,
      happens: 'the snapshots and uploads are removed, and the report says so',
      when: { state },
      inject: (bed) => bed.stop(),
      expected: ['RunInterrupted'],
      ...(/upload|manifest/.test(state) ? { byCommandAlone: true as const } : {}),
    }),
  ),
  ...(['Check snapshots', 'Open upload', 'Complete upload', 'Write manifest', 'Release backup'] as const).map(
    (state): InstanceFault => ({
      name: `the execution dies without a word at "${state}", and the guest is repeated`,
      theme,
      happens: 'GuestBusy while the claim may be alive; then its snapshots and parts are taken over',
      ...start,
      inject: () => undefined,
      instead: (bed) => repeatedAfterDeath(bed, state),
      ...well,
      check: (bed) => {
        frozenOnce(bed)
        readAtMost(BLOCKS)(bed)
      },
      byCommandAlone: true,
    }),
  ),
  {
    name: 'the execution dies without a word as it copies, and nobody repeats it',
    theme,
    happens: 'the daily sweep removes its snapshots, once they are two weeks old',
    ...start,
    inject: () => undefined,
    instead: async (bed) => {
      const ending = await bed.run(at(undefined, 'Complete upload', () => bed.die()))
      if (bed.account.snapshots().length !== 2) throw new Error('the dead run left no snapshots')
      await bed.twoWeeksLater()
      return { ...ending, reason: 'Swept.' }
    },
    expected: ['ABORTED', 'States.Aborted', 'RunKilled'],
    keepsUploads: true,
  },
  {
    name: 'the run is started twice at once',
    byCommandAlone: true,
    theme,
    happens: 'one of them has the guest; the other skips it and names the first',
    ...start,
    inject: () => undefined,
    instead: async (bed) => {
      const both = await Promise.all([bed.run({}, { name: 'at-once-a' }), bed.run({}, { name: 'at-once-b' })])
      const skipped = both.find(({ outcome }) => outcome === 'skipped')
      if (skipped?.verdict !== 'GuestBusy' || !/by run at-once-/.test(skipped.reason)) {
        throw new Error(`the second run was not kept out: ${JSON.stringify(both)}`)
      }
      return both.find((one) => one !== skipped) ?? skipped
    },
    ...well,
    check: frozenOnce,
  },
]

/** Every fault of the backup of an instance, in the order of docs/faults.md. */
export const instanceFaults: readonly InstanceFault[] = [
  ...[...answers, ...snapshots, ...blocks].map((fault) => ({ theme, ...start, ...fault })),
  ...kills,
  ...ends,
]

function damage({ account }: InstanceBed, times: number): void {
  for (const { id, disk } of account.snapshots()) account.corruptBlock(id, disk.indexes[0] ?? 0, 'sum', times)
}

/** Something happens besides, as a state is entered for the first time. */
function at(arming: Arming | undefined, state: string, act: () => void): Partial<Arming> {
  let done = false
  return {
    ...arming,
    onState: (entered) => {
      arming?.onState(entered)
      if (entered !== state || done) return
      done = true
      act()
    },
  }
}

async function repeatedAfterDeath(bed: InstanceBed, state: string): Promise<Ending> {
  const name = `dies-${Date.now()}`
  await bed.run(
    at(undefined, state, () => bed.die()),
    { name },
  )
  const item = await bed.planned(name)
  const tooSoon = await bed.run({}, { item })
  if (tooSoon.verdict !== 'GuestBusy') throw new Error(`a second execution was not kept out: ${tooSoon.verdict}`)
  await bed.letClaimsLapse()
  return bed.run({}, { item })
}

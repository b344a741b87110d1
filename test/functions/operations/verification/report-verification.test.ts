import { beforeEach, describe, expect, it } from 'vitest'
import type { Verification } from '../../../../functions/contracts/verification.ts'
import {
  type UnreadRecord,
  type VerificationItem,
  verificationReportSchema,
} from '../../../../functions/contracts/verification-report.ts'
import { reportVerification } from '../../../../functions/operations/verification/report-verification.ts'
import { type FakePorts, fakePorts } from '../../../fakes/ports.ts'

const startedAt = '2026-11-22T02:00:00.000Z'
const prefix = 'verifications/2026/11/22/verify-1/'
const run = { id: 'verify-1', startedAt, prefix }
const GIB = 2 ** 30

let ports: FakePorts
beforeEach(() => {
  ports = fakePorts()
})

function item(name: string, changes: Partial<VerificationItem> = {}): VerificationItem {
  return {
    folder: `archives/hq/vm-100/${name}/`,
    site: 'hq',
    guest: { kind: 'vm', id: '100' },
    createdAt: '2026-11-01T02:00:00.000Z',
    sizeBytes: GIB,
    mostBytesInFunction: 32 * GIB,
    reason: 'It is due.',
    overdue: false,
    ...changes,
  }
}

async function planned(items: VerificationItem[], record: Partial<UnreadRecord> = {}): Promise<void> {
  const policy = { archiveWithinDays: 90, guestWithinDays: 31, mostGiBPerRun: 1024 }
  const left: UnreadRecord = { policy, sites: ['hq'], unread: [], further: 0, furtherOverdue: 0, ...record }
  await ports.store.writeText(`${prefix}plan.json`, JSON.stringify(items))
  await ports.store.writeText(`${prefix}unread.json`, JSON.stringify(left))
  for (const { folder } of items) await ports.store.writeText(`${folder}manifest.json`, '{}')
}

async function verdict({ folder }: VerificationItem, changes: Partial<Verification> = {}): Promise<void> {
  const verification: Verification = {
    version: 1,
    verifiedAt: '2026-11-22T02:00:01.000Z',
    tool: 't',
    result: 'accepted',
    findings: [],
    notes: [],
    evidence: [],
    ...changes,
  }
  await ports.store.writeText(`${folder}verification.json`, JSON.stringify(verification))
}

const finding = (message: string) => [{ code: 'some', message }]
const report = (runner: 'codebuild' | 'none' = 'codebuild') =>
  reportVerification({ run, planKey: `${prefix}plan.json`, runner }, ports)
const written = async () =>
  verificationReportSchema.parse(JSON.parse((await ports.store.readText(`${prefix}report.json`))?.text ?? 'null'))

describe('the report of a verification', () => {
  it('names an archive that lacks its lock, and is a failure for it', async () => {
    await planned([item('a')])
    await verdict(item('a'), { lockTrouble: 'It is not locked.' })
    expect(await report()).toMatchObject({ outcome: 'partial', accepted: 1, unlocked: 1 })
    expect((await written()).archives).toMatchObject([{ result: 'accepted', lockTrouble: 'It is not locked.' }])
  })

  it('has succeeded when every archive of the plan has a new verdict that accepts it', async () => {
    const items = [item('a'), item('b', { overdue: true })]
    await planned(items)
    for (const each of items) await verdict(each)
    expect(await report()).toEqual({
      outcome: 'succeeded',
      summary: '2 archives accepted, 2.0 GiB read.',
      accepted: 2,
      refused: 0,
      notVerified: 0,
      overdue: 0,
      readBytes: 2 * GIB,
      bucket: 'memory',
      reportKey: `${prefix}report.json`,
    })
    expect((await written()).archives).toMatchObject([
      {
        folder: items[0]?.folder,
        due: 'It is due.',
        result: 'accepted',
        reason: '',
        verifiedAt: '2026-11-22T02:00:01.000Z',
      },
      { folder: items[1]?.folder },
    ])
  })

  it('names an archive that was refused, with every finding', async () => {
    const bad = item('bad')
    await planned([item('good'), bad])
    await verdict(item('good'))
    await verdict(bad, { result: 'refused', findings: [...finding('One bit.'), ...finding('Another.')] })
    expect(await report()).toMatchObject({
      outcome: 'partial',
      refused: 1,
      summary: expect.stringContaining(bad.folder),
    })
    expect((await written()).archives[1]).toMatchObject({ result: 'refused', reason: 'One bit. Another.' })
  })

  it('does not believe a verdict from before the run: whoever was to read it died', async () => {
    const late = item('late', { overdue: true })
    await planned([late])
    await verdict(late, { verifiedAt: '2026-11-22T01:59:59.999Z' })
    expect(await report()).toMatchObject({ outcome: 'failed', accepted: 0, notVerified: 1, overdue: 1 })
    expect((await written()).archives[0]?.reason).toBe(
      'not verified: Its function ended without a verdict: its execution in Step Functions shows why. ' +
        `Read it on any machine: npx guestlift verify --archive ${late.folder} --bucket memory`,
    )
  })

  it('says how far a reading got, also where an earlier verdict stays', async () => {
    const [fresh, kept] = [item('fresh'), item('kept')]
    await planned([fresh, kept])
    await verdict(fresh, { result: 'not-verified', findings: finding('Time ran out after 3 GiB.') })
    const attempt = { at: '2026-11-22T02:00:01.000Z', reason: 'Time ran out after 4 GiB.' }
    await verdict(kept, { verifiedAt: '2026-10-01T00:00:00.000Z', attempt })
    // Not overdue: the next run tries again, and nobody is woken.
    expect(await report()).toMatchObject({ outcome: 'failed', notVerified: 2, overdue: 0 })
    const reasons = (await written()).archives.map(({ reason }) => reason)
    expect(reasons[0]).toMatch(/^not verified: Time ran out after 3 GiB\. Read it on any machine/)
    expect(reasons[1]).toMatch(/^not verified: Time ran out after 4 GiB\. Read it on any machine/)
  })

  it.each([
    [
      'none',
      /^not verified: Its 40\.0 GiB don't fit the time of a function, and this deployment has no larger runner\. Read it/,
    ],
    ['codebuild', /^not verified: The larger runner left no verdict: its build in CodeBuild shows why\. Read it/],
  ] as const)('says of one that does not fit a function what became of it with runner %s', async (runner, words) => {
    await planned([item('large', { sizeBytes: 40 * GIB })])
    await report(runner)
    expect((await written()).archives[0]?.reason).toMatch(words)
  })

  it('counts what is overdue and was left out, and tells it with its reason', async () => {
    const cold = {
      folder: 'archives/hq/vm-1/x/',
      site: 'hq',
      why: 'too-cold',
      reason: 'not verified: cold',
      overdue: true,
    } as const
    await planned([], { unread: [cold], further: 3, furtherOverdue: 2 })
    expect(await report()).toMatchObject({
      outcome: 'failed',
      overdue: 3,
      summary:
        'No archive was to be read. 4 archives due and left out. 3 archives overdue and not verified: archives/hq/vm-1/x/.',
    })
    expect((await written()).unread).toEqual([cold])
  })

  it('leaves out an archive that was removed since', async () => {
    const gone = item('gone', { overdue: true })
    await planned([gone])
    await ports.store.remove(`${gone.folder}manifest.json`)
    expect(await report()).toMatchObject({ outcome: 'succeeded', notVerified: 0, overdue: 0 })
    expect((await written()).unread).toMatchObject([{ folder: gone.folder, why: 'removed' }])
  })

  it('names in the command the prefix of a bucket that has one', async () => {
    ports.keyPrefix = 'vault/'
    await planned([item('a')])
    await report()
    expect((await written()).archives[0]?.reason).toMatch(/ --bucket memory --prefix vault\/$/)
  })

  it('says what the map over the archives failed with where it left no verdict, and only there', async () => {
    const [read, tried, silent] = [item('read'), item('tried'), item('silent', { sizeBytes: 99 * GIB })]
    await planned([read, tried, silent])
    await verdict(read)
    await verdict(tried, { result: 'not-verified', findings: finding('S3 gave up.') })
    const mapError = { Error: 'States.ItemReaderFailed', Cause: 'Please reduce your request rate.' }
    const answer = await reportVerification({ run, planKey: `${prefix}plan.json`, runner: 'none', mapError }, ports)
    expect(answer).toMatchObject({ outcome: 'partial', overdue: 0 })
    expect(answer.summary).toMatch(
      /The verification's map over its archives failed \(States\.ItemReaderFailed\): Please reduce your request rate\.$/,
    )
    const reasons = Object.fromEntries((await written()).archives.map(({ folder, reason }) => [folder, reason]))
    expect(reasons[read.folder]).toBe('')
    expect(reasons[tried.folder]).toMatch(/^not verified: S3 gave up\. Read it/)
    expect(reasons[silent.folder]).toMatch(
      /^not verified: The verification's map over its archives failed \(States\.ItemReaderFailed\) before it left a verdict: Please reduce your request rate\. Read it/,
    )
  })

  it('is no success where the map failed after all archives had their verdicts', async () => {
    const read = item('read')
    await planned([read])
    await verdict(read)
    const mapError = { Error: 'States.ResultWriterFailed', Cause: 'Access Denied' }
    const its = { run, planKey: `${prefix}plan.json`, runner: 'none', mapError } as const
    expect(await reportVerification(its, ports)).toMatchObject({ outcome: 'partial', accepted: 1, notVerified: 0 })
  })

  it('takes a verdict that nobody can read for none', async () => {
    const odd = item('odd')
    await planned([odd])
    await ports.store.writeText(`${odd.folder}verification.json`, '{"version":')
    expect(await report()).toMatchObject({ notVerified: 1 })
  })

  it('tells CloudWatch the figures of each site that was looked at', async () => {
    const items = [item('a'), item('b', { overdue: true }), item('c', { site: 'branch' })]
    await planned(items, { sites: ['branch', 'empty', 'hq'] })
    await verdict(item('a'))
    await verdict(item('c'), { result: 'refused' })
    await report()
    const metrics = ports.logged.filter(({ event }) => event === 'verification-metrics').map(({ fields }) => fields)
    const names = ['Site', 'ArchivesVerified', 'ArchivesRefused', 'ArchivesNotVerified', 'ArchivesOverdue']
    expect(metrics.map((fields) => names.map((name) => fields[name]))).toEqual([
      ['branch', 0, 1, 0, 0],
      ['empty', 0, 0, 0, 0],
      ['hq', 1, 0, 1, 1],
    ])
    expect(metrics[0]?.['_aws']).toMatchObject({
      CloudWatchMetrics: [{ Namespace: 'Guestlift', Dimensions: [['Deployment', 'Site']] }],
    })
  })
})

/** The list itself, tested by planted faults: a round that broke a promise must not pass. */
import { describe, expect, it } from 'vitest'
import type { GuestOutcome } from '../../functions/contracts/report.ts'
import { invariants, judgeRound, sumOf } from './invariants.ts'
import type { RoundRecord, RunEnd } from './record.ts'

const fileName = 'vzdump-lxc-101-2026_11_22-02_00_05.tar.zst'
const folder = 'archives/hq/container-101/2026-11-22T02-00-05Z/'
const manifestKey = `${folder}manifest.json`
const files = [
  { key: `${folder}${fileName}`, sizeBytes: 10, sha256: 'aa' },
  { key: manifestKey, sizeBytes: 3, sha256: 'bb' },
]

const archived: GuestOutcome = {
  id: '101',
  name: 'db01',
  kind: 'container',
  node: 'pve1',
  outcome: 'succeeded',
  verdict: 'archived',
  reason: '',
  artifacts: [{ key: `${folder}${fileName}`, sizeBytes: 10, checksum: 'crc32:AAAAAA==' }],
  manifestKey,
  bytesSent: 10,
  seconds: 1,
}
const { manifestKey: _none, ...bare } = archived
const refused: GuestOutcome = {
  ...bare,
  outcome: 'failed',
  verdict: 'StoreDenied',
  reason: '403',
  artifacts: [],
}

function run(change: Partial<RunEnd> = {}, guests: GuestOutcome[] = [archived]): RunEnd {
  const report = { outcome: 'succeeded' as const, summary: '1 of 1', notes: [], guests }
  return { exitCode: 0, report, killed: false, stopped: false, quiet: false, stderr: '', ...change }
}
const failed = run({ exitCode: 1, report: { outcome: 'failed', summary: '', notes: [], guests: [refused] } })
const killed = run({ exitCode: undefined, report: undefined, killed: true })

const good: RoundRecord = {
  seed: 1,
  asked: ['101'],
  deleteSource: true,
  runs: [failed, killed, run({ quiet: true })],
  seen: [{}, { [manifestKey]: sumOf(files) }],
  archives: [{ manifestKey, guest: '101', jobRef: 'job-1', files, artifacts: [{ fileName, sizeBytes: 10 }] }],
  dumps: [{ fileName, sizeBytes: 10, sha256: 'aa' }],
  said: ['the job left vzdump-lxc-101-2026_11_22-01_00_00.tar.dat'],
  left: {
    tasks: [],
    locks: [],
    claims: [],
    turns: [],
    streams: [],
    uploads: [`${folder}x`],
    recorded: [`${folder}x`],
    dumps: [],
    halves: ['vzdump-lxc-101-2026_11_22-01_00_00.tar.dat'],
  },
  parts: [
    { key: `${folder}${fileName}`, partNumber: 1, sizeBytes: 10 },
    { key: `${folder}${fileName}`, partNumber: 1, sizeBytes: 10 },
  ],
  excusedParts: 1,
}
const [archive] = good.archives
if (archive === undefined) throw new Error('one archive')
const left = (change: Partial<RoundRecord['left']>) => ({ ...good, left: { ...good.left, ...change } })
const printed = (outcome: 'succeeded' | 'partial' | 'failed', exitCode: number, guests: GuestOutcome[]) => ({
  ...good,
  runs: [run({ exitCode, report: { outcome, summary: '', notes: [], guests } }), run({ quiet: true })],
})

/** By the invariant's name: rounds that must not pass it. */
const planted: Record<string, [string, RoundRecord][]> = {
  'a guest that is reported archived has an archive with the bytes of a dump': [
    ['no manifest', { ...good, archives: [] }],
    ['another byte', { ...good, dumps: [{ fileName, sizeBytes: 10, sha256: 'ab' }] }],
    ['a shorter object', { ...good, dumps: [{ fileName, sizeBytes: 11, sha256: 'aa' }] }],
    ['a dump that nobody saw', { ...good, dumps: [] }],
    ['no object', { ...good, archives: [{ ...archive, files: [] }] }],
    ['no artifact', printed('succeeded', 0, [{ ...archived, artifacts: [] }])],
  ],
  'every manifest agrees with its objects': [
    ['another size', { ...good, archives: [{ ...archive, artifacts: [{ fileName, sizeBytes: 9 }] }] }],
    ['nothing named', { ...good, archives: [{ ...archive, artifacts: [] }] }],
  ],
  'no archive is lost or changed': [
    ['lost', { ...good, seen: [{ 'archives/hq/vm-1/manifest.json': 'x' }] }],
    ['changed', { ...good, seen: [{ [manifestKey]: 'other' }] }],
  ],
  'nothing is archived twice': [
    ['the same dump', { ...good, archives: [archive, { ...archive, manifestKey: 'other', jobRef: undefined }] }],
    ['the same job', { ...good, archives: [archive, { ...archive, manifestKey: 'other', artifacts: [] }] }],
  ],
  'nothing of ours is left at work': [
    ['a task', left({ tasks: ['UPID'] })],
    ['a lock', left({ locks: ['101 backup'] })],
    ['a claim', left({ claims: ['claims/hq/x'] })],
    ['a turn', left({ turns: ['x'] })],
    ['a stream', left({ streams: ['x'] })],
  ],
  'every open upload has a record by which it is gone on with or swept': [['no record', left({ recorded: [] })]],
  'every dump that was to leave the platform has left it, or a report names it': [
    ['it stays', left({ dumps: [fileName] })],
  ],
  'what an unfinished dump left is named by a report': [['nobody said it', { ...good, said: [] }]],
  'no part is sent again but those whose answer was lost': [['nothing excuses it', { ...good, excusedParts: 0 }]],
  'a run that nobody killed prints its report, and its exit code agrees': [
    ['no report', { ...good, runs: [run({ report: undefined }), run({ quiet: true })] }],
    ['a good exit code for a bad end', printed('failed', 0, [refused])],
    ['a bad exit code for a good end', printed('succeeded', 1, [archived])],
    ['good, with a guest that is not', printed('succeeded', 0, [refused])],
    ['a stop that nobody asked for', printed('failed', 130, [refused])],
    ['no exit code', { ...good, runs: [run({ exitCode: undefined }), run({ quiet: true })] }],
  ],
  'every guest that was asked for has an outcome, and what is not archived a cause': [
    ['a guest is missing', printed('failed', 1, [])],
    ['a guest has no cause', printed('failed', 1, [{ ...refused, reason: ' ' }])],
    ['a guest is there twice', printed('succeeded', 0, [archived, archived])],
  ],
  'in a quiet world everything is archived': [
    ['it failed', { ...good, runs: [{ ...failed, quiet: true }] }],
    ['nobody ran', { ...good, runs: [run()] }],
  ],
}

describe('the invariants of a round', () => {
  it('let a good round pass, with a run that failed, one that was killed, and what is accounted for', () => {
    expect(judgeRound(good)).toEqual([])
  })

  it('each have a planted fault', () => {
    expect(Object.keys(planted).toSorted()).toEqual(invariants.map(({ name }) => name).toSorted())
  })

  const faults = Object.entries(planted).flatMap(([name, rounds]) =>
    rounds.map(([what, round]) => ({ name, what, round })),
  )
  it.each(faults)('$name: not with this: $what', ({ name, round }) => {
    const [violated] = invariants.filter((one) => one.name === name).map(({ violations }) => violations(round))
    expect(violated?.length).toBeGreaterThan(0)
  })
})

import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Guest } from '../../../../functions/contracts/nouns.ts'
import { putArchive } from '../../../fakes/put-archive.ts'
import { openVersionedBucket, type VersionedBucket } from '../../../fakes/versioned-bucket.ts'
import { identifyProcess } from '../../../../functions/runtime/process-identity.ts'
import { guestlift } from '../command-line.ts'

const web: Guest = { id: '100', kind: 'vm', name: 'web', node: 'pve1' }
const keyPrefix = 'vault/'

describe('guestlift prune', () => {
  let bucket: VersionedBucket
  beforeEach(async () => {
    bucket = await openVersionedBucket()
    for (const day of [1, 2, 3, 4]) await putArchive(bucket, web, `2026-11-0${day}T02:00:00.000Z`, { keyPrefix })
  })
  afterEach(() => bucket.close())

  function prune(...args: string[]): Promise<{ code: number; out: string; error: string }> {
    const env = {
      ...process.env,
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_REGION: 'us-east-1',
      NO_COLOR: '1',
    }
    const all = ['prune', '--site', 'hq', '--bucket', 'archives', '--s3', bucket.url, '--prefix', 'vault', ...args]
    return guestlift(all, { env })
  }

  it('takes a site that the bucket does not know for a mistake, and names those that it knows', async () => {
    const { code, out, error } = await prune('--site', 'h1', '--keep-last', '1')
    expect({ code, out }).toEqual({ code: 64, out: '' })
    expect(error).toBe('guestlift: s3://archives/vault/ holds nothing of a site h1. It knows: hq.\n')
  })

  it('changes nothing unless told to, and says what would go and why', async () => {
    const before = await bucket.all()
    const { code, out, error } = await prune('--keep-last', '1', '--keep-monthly', '1')
    expect({ code, error: error.split(' ')[0] }).toEqual({ code: 0, error: 'Requests:' })
    expect(out).toMatch(/remove +2026-11-01 02:00:00Z +3 B +removed: no rule keeps it/)
    expect(out).toMatch(/keep +2026-11-04 02:00:00Z +3 B +kept: keep-last/)
    expect(out).toMatch(/warning: 3 of 4 archives would go at once.*They go once a person confirms it/)
    expect(out).toMatch(/Nothing was changed\. 3 archives of 1 guest would be removed; do it with --confirm\./)
    expect(await bucket.all()).toEqual(before)
  })

  it.each(['100', 'vm-100', 'hq/vm-100', 'web'])('takes a guest as %s', async (guest) => {
    const { code, out } = await prune('--keep-last', '1', '--guest', guest)
    expect(out).toMatch(/of 1 guest would be removed/)
    expect(code).toBe(0)
  })

  it('refuses a guest of another site, and one that nobody has', async () => {
    const rules = ['--keep-last', '1', '--guest']
    expect((await prune(...rules, 'dr/vm-100')).error).toMatch(/dr\/vm-100 is of site dr/)
    expect((await prune(...rules, 'wbe')).error).toMatch(/no archive of a guest that is called wbe/)
  })

  it('removes with --confirm exactly what the dry run said', async () => {
    const plan = JSON.parse((await prune('--keep-last', '2', '--json')).out)
    const { code, out } = await prune('--keep-last', '2', '--confirm', '--json')
    const report = JSON.parse(out)
    const decisions = (of: { guests: { result: { archives: { folder: string; decision: string }[] } }[] }) =>
      of.guests[0]?.result.archives.map(({ folder, decision }) => [folder, decision])
    expect(code).toBe(0)
    expect(decisions(report)).toEqual(decisions(plan))
    expect(report.guests[0].result).toMatchObject({
      removed: 2,
      dryRun: false,
      summary: expect.stringMatching(/^2 of 4/),
    })
    const left = (await bucket.all('vault/archives/')).map(({ key }) => key.split('/')[4]?.slice(0, 10))
    expect([...new Set(left)]).toEqual(['2026-11-03', '2026-11-04'])
  })

  const identity = identifyProcess()
  it.runIf(identity !== undefined).each([
    ['takes over at once from one of this machine whose process is dead', { startTicks: 1 }, 'removed: 2'],
    ['leaves a guest to one whose process runs', {}, 'left: 2'],
    ['leaves a guest to one of another machine, dead or not', { host: 'elsewhere', startTicks: 1 }, 'left: 2'],
  ])('%s', async (_what, other, ending) => {
    const at = new Date().toISOString()
    const lease = { version: 1, by: 'cli-killed', takenAt: at, renewedAt: at, process: { ...identity, ...other } }
    await bucket.put('vault/retention/hq/vm-100/lease.json', JSON.stringify(lease))
    const { out } = await prune('--keep-last', '2', '--confirm', '--json')
    const { archives } = JSON.parse(out).guests[0].result as { archives: { outcome: string }[] }
    const [what, count] = ending.split(': ')
    expect(archives.filter(({ outcome }) => outcome === what)).toHaveLength(Number(count))
  })

  it('takes the rules of a job', async () => {
    const file = join(tmpdir(), `guestlift-prune-${process.pid}.json`)
    await writeFile(file, JSON.stringify({ site: 'hq', guests: { vmids: [100] }, retention: { 'keep-last': 3 } }))
    try {
      expect((await prune('--job', file)).out).toMatch(/1 archive of 1 guest would be removed/)
      expect((await prune('--job', file, '--keep-last', '1')).code).toBe(64)
    } finally {
      await rm(file)
    }
  })

  it('tells a lock with its date, and by its exit code', async () => {
    const folder = 'vault/archives/hq/vm-100/2026-11-01T02-00-00Z/'
    await bucket.put(`${folder}file`, 'vma', { retainUntil: new Date(Date.now() + 86_400_000 * 10) })
    const until = new Date(Date.now() + 86_400_000 * 10).toISOString().slice(0, 10)
    const { code, out } = await prune('--keep-last', '3', '--confirm')
    expect(code).toBe(2)
    expect(out).toContain(`locked until ${until}`)
  })

  it.each([
    [['--keep-last', 'many'], /keep-last/],
    [['--keep-last', '-1'], /keep-last/],
    [[], /say what is to be kept/],
    [['--keep-last', '1', '--time-zone', 'Europe/Nowhere'], /time zone/],
    [['--keep-all', '--keep-last', '1'], /keep-all/],
    [['--keep-last', '1', '--dry-run', '--confirm'], /confirm/],
  ])('refuses %j before it looks at anything', async (args, complaint) => {
    const { code, error } = await prune(...args)
    expect(code).toBe(64)
    expect(error).toMatch(complaint)
  })
})

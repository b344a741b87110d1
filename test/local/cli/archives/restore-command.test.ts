/** The command line of a restore: what it asks of the workflow, what it prints of its report, and what it refuses. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { restored } from '../../../fakes/restore-report.ts'
import { guestlift } from '../command-line.ts'
import { type PlayedStepFunctions, playStepFunctions } from '../played-step-functions.ts'

const folder = mkdtempSync(join(tmpdir(), 'guestlift-restore-'))
afterAll(() => rmSync(folder, { recursive: true }))

let aws: PlayedStepFunctions
beforeEach(async () => {
  const { outcome, summary } = restored
  aws = await playStepFunctions(
    ['restore-guest'],
    'arn:aws:states:us-east-1:1:execution:guestlift-prod-restore-guest:cli',
    {
      ending: { status: 'SUCCEEDED' },
      answer: { outcome, summary, left: 0, bucket: 'archives', reportKey: 'restores/r/report.json' },
      report: restored,
    },
  )
})
afterEach(() => aws.close())

const restore = (...words: string[]) => aws.guestlift(['restore', ...words])
const asked = () => aws.started.map(({ input }) => JSON.parse(input ?? '') as object)
/** What a request holds that asks for nothing. */
const asIs = {
  unique: false,
  replace: false,
  start: false,
  keepFailed: false,
  despiteRefused: false,
  confirm: false,
}

describe('guestlift restore --deployment', () => {
  it('starts the workflow as a dry run, unless confirmed', async () => {
    await restore('100', '--site', 'hq', '--deployment', 'prod')
    await restore('hq/vm-100', '--site', 'hq', '--replace', '--confirm', '--deployment', 'prod')
    expect(aws.started.map(({ stateMachineArn }) => stateMachineArn)).toEqual([
      'arn:restore-guest',
      'arn:restore-guest',
    ])
    expect(asked()).toEqual([
      { ...asIs, archive: '100', site: 'hq' },
      { ...asIs, archive: 'hq/vm-100', site: 'hq', replace: true, confirm: true },
    ])
  })

  it('hands each option on', async () => {
    const where = ['--site', 'dr', '--from', 'hq', '--node', 'pve2', '--vmid', '9100', '--storage', 'ceph']
    const how = ['--delivery-storage', 'local', '--pool', 'tests', '--name', 'web2', '--bwlimit', '51200', '--unique']
    const more = ['--bridge', 'vmbr0=vmbr1', '--bridge', 'vmbr2=vmbr3', '--thaw', 'bulk', '--thaw-days', '3', '--start']
    const last = ['--at', '2026-11-24', '--despite-refused', '--keep-failed', '--deployment', 'prod']
    await restore('web', ...where, ...how, ...more, ...last)
    expect(asked()).toEqual([
      {
        archive: 'web',
        at: '2026-11-24T23:59:59.999Z',
        site: 'dr',
        from: 'hq',
        node: 'pve2',
        id: '9100',
        storage: 'ceph',
        deliveryStorage: 'local',
        pool: 'tests',
        name: 'web2',
        bridges: { vmbr0: 'vmbr1', vmbr2: 'vmbr3' },
        limitKiBPerSecond: 51_200,
        thaw: { tier: 'bulk', days: 3 },
        unique: true,
        replace: false,
        start: true,
        keepFailed: true,
        despiteRefused: true,
        confirm: false,
      },
    ])
  })

  it('prints the report for people, and as the last line for programs', async () => {
    const { code, out } = await restore('100', '--site', 'hq', '--confirm', '--deployment', 'prod')
    expect(code).toBe(0)
    expect(out).toContain(`\nIn all   2 m 10 s\n${restored.summary}\nReport: s3://archives/restores/r/report.json\n`)
    const json = await restore('100', '--site', 'hq', '--confirm', '--deployment', 'prod', '--json')
    expect(JSON.parse(json.out)).toEqual(restored)
  })

  it.each([
    ['a guest that differs', 'partial', undefined, 2],
    ['a refusal', 'failed', 'RestoreRefused', 1],
    ['a dry run that found something against it', 'failed', undefined, 1],
    ['a site that did not answer', 'failed', 'PlatformUnavailable', 3],
    ['a site that nobody knows', 'failed', 'UnknownSite', 64],
    ['an S3 that did not answer', 'failed', 'StoreUnavailable', 3],
  ] as const)('ends by %s', async (_what, outcome, name, code) => {
    const error = name === undefined ? {} : { error: { name, message: 'Why.' } }
    aws.ending = { status: 'FAILED', error: 'RestoreFailed' }
    aws.answer = { ...aws.answer, outcome }
    aws.report = { ...restored, outcome, ...error }
    expect((await restore('100', '--site', 'hq', '--deployment', 'prod')).code).toBe(code)
  })

  it('says why there is no report, when no archive was found', async () => {
    aws.answer = undefined
    aws.ending = { status: 'FAILED', error: 'ArchiveUnknown', cause: '{"errorMessage":"There is no archive of 100."}' }
    const { code, out } = await restore('100', '--site', 'hq', '--deployment', 'prod')
    expect({ code, out }).toEqual({ code: 1, out: 'The restore stopped: There is no archive of 100.\n' })
  })
})

describe('the command line of guestlift restore', () => {
  const onAws = ['--site', 'hq', '--deployment', 'prod']
  it.each([
    [[], /missing required argument/],
    [['100', '--deployment', 'prod'], /say which site the guest is restored on: --site <name>/],
    [['100', ...onAws, '--start', '--template'], /--template: a template can't be started/],
    [['100', ...onAws, '--vmid', '9100', '--replace'], /--vmid names a free id, and --replace takes the archived one/],
    [['100', ...onAws, '--vmid', '../1'], /--vmid: /],
    [['100', ...onAws, '--site', 'h q'], /--site: a site name has/],
    [['100', ...onAws, '--storage', '/dev/sda'], /--storage: a name of letters/],
    [['100', ...onAws, '--delivery-storage', 'a b'], /--delivery-storage: a name of letters/],
    [['100', ...onAws, '--bwlimit', 'fast'], /--bwlimit.*Give a whole number/],
    [['100', ...onAws, '--bwlimit', '5k'], /--bwlimit.*Give a whole number/],
    [['100', ...onAws, '--bwlimit', '0'], /--bwlimit: /],
    [['100', ...onAws, '--bridge', 'vmbr0'], /as vmbr0=vmbr1/],
    [['100', ...onAws, '--bridge', 'vmbr0=vmbr1=vmbr2'], /as vmbr0=vmbr1/],
    [['100', ...onAws, '--bridge', 'vmbr0=a b'], /--bridge: a name of letters/],
    [['100', ...onAws, '--bridge', 'vmbr0=vmbr1', '--bridge', 'vmbr0=vmbr2'], /Only one bridge can replace vmbr0/],
    [['100', ...onAws, '--thaw', 'now'], /Allowed choices are expedited, standard, bulk/],
    [['100', ...onAws, '--thaw-days', '3'], /--thaw-days goes with --thaw <tier>/],
    [['100', ...onAws, '--thaw', 'bulk', '--thaw-days', '99'], /--thaw-days: /],
    [['100', ...onAws, '--at', 'someday'], /Give a day/],
    [['100', ...onAws, '--bucket', 'archives'], /a deployment has its own bucket and sites/],
    [['100', ...onAws, '--site-file', 'hq.json'], /--site-file, --bucket, --s3 and --prefix go with --local/],
    [['100', '--local', '--bucket', 'archives'], /restore --local needs --site-file <file> and --bucket/],
    [['100', '--local', '--site-file', 'hq.json'], /restore --local needs --site-file <file> and --bucket/],
    [['100', '--local', '--deployment', 'prod'], /--local is on this machine: choose one/],
  ])('refuses %j with a sentence, and starts nothing', async (words, complaint) => {
    const { code, error, out } = await restore(...words)
    expect({ code, out }).toEqual({ code: 64, out: '' })
    expect(error).toMatch(complaint)
    expect(aws.started).toEqual([])
  })

  it('finds out before anything is built that a site has two names, no account for restores, or an id that none has', async () => {
    const path = join(folder, 'hq.json')
    const site = {
      provider: 'proxmox',
      name: 'hq',
      endpoints: ['https://pve1.example.com:8006'],
      auth: { tokenId: 'backup@pve!guestlift', secret: 'secret' },
      route: { type: 'https', url: 'https://pve1.example.com/{file}' },
    }
    writeFileSync(path, JSON.stringify(site))
    const where = ['--local', '--site-file', path, '--bucket', 'archives']
    const { code, error } = await guestlift(['restore', '100', '--site', 'dr', ...where])
    expect(code).toBe(64)
    expect(error).toMatch(/The site has two names: the command line says dr, "name" in .*hq\.json says hq/)
    const without = await guestlift(['restore', '100', ...where])
    expect(without).toMatchObject({ code: 1, error: expect.stringMatching(/site hq has no block `restore`/) })
    const login = { type: 'sftp', host: 'pve1', username: 'w', password: 'p', hostKeys: [] }
    const restore = { auth: { tokenId: 'restore@pve!guestlift', secret: 'secret' }, delivery: login }
    writeFileSync(path, JSON.stringify({ ...site, restore }))
    const bad = await guestlift(['restore', '100', '--vmid', 'a/b', ...where])
    expect(bad).toMatchObject({ code: 64, error: expect.stringMatching(/--vmid: /) })
  })
})

import { beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { unreadRecordSchema, verificationItemSchema } from '../../../../functions/contracts/verification-report.ts'
import { archiveFolder } from '../../../../functions/domain/books/object-keys.ts'
import { planVerification } from '../../../../functions/operations/verification/plan-verification.ts'
import { manifestOf } from '../../../fakes/manifest.ts'
import { type FakePorts, fakePorts } from '../../../fakes/ports.ts'

const startedAt = '2026-11-22T02:00:05.000Z'
const prefix = 'verifications/2026/11/22/verify-1/'

let ports: FakePorts
beforeEach(() => {
  ports = fakePorts()
})

/** A whole archive of a guest at a site. Returns its folder. */
async function archive(site: string, id: string, createdAt: string, bytes = 1000): Promise<string> {
  const guest = { id, kind: 'vm', name: 'web', node: 'pve1' } as const
  const folder = archiveFolder('', site, guest, createdAt)
  const manifest = manifestOf(createdAt, [bytes], guest)
  const artifacts = manifest.artifacts.map((one) => ({ ...one, key: `${folder}file`, fileName: 'file' }))
  await ports.store.writeText(`${folder}manifest.json`, JSON.stringify({ ...manifest, site, artifacts }))
  await ports.store.writeText(`${folder}file`, 'x'.repeat(bytes))
  return folder
}

async function verdict(folder: string, result: 'accepted' | 'refused', verifiedAt = startedAt): Promise<void> {
  const text = { version: 1, verifiedAt, tool: 't', result, findings: [], notes: [], evidence: [] }
  await ports.store.writeText(`${folder}verification.json`, JSON.stringify(text))
}

const plan = (request: unknown = {}, verificationId = 'verify-1') =>
  planVerification({ verificationId, startedAt, request }, ports)
const read = async (key: string): Promise<unknown> => JSON.parse((await ports.store.readText(key))?.text ?? 'null')
const items = async () => z.array(verificationItemSchema).parse(await read(`${prefix}plan.json`))
const left = async () => unreadRecordSchema.parse(await read(`${prefix}unread.json`))

describe('planning what is verified', () => {
  it('writes the due archives of all sites as a plan, and beside it what is left out', async () => {
    await archive('hq', '100', '2026-11-20T02:00:00.000Z')
    const newest = await archive('hq', '100', '2026-11-21T02:00:00.000Z')
    const other = await archive('branch', '7', '2026-11-20T02:00:00.000Z')
    await ports.store.writeText('archives/hq/vm-101/2026-11-21T02-00-00Z/file', 'x')
    expect(await plan()).toEqual({
      run: { id: 'verify-1', startedAt, prefix },
      planKey: `${prefix}plan.json`,
      archiveCount: 2,
    })
    // The oldest first.
    expect((await items()).map(({ folder }) => folder)).toEqual([other, newest])
    expect((await items())[0]).toMatchObject({ sizeBytes: 1000, mostBytesInFunction: 32 * 2 ** 30, overdue: false })
    expect(await left()).toMatchObject({
      sites: ['branch', 'hq'],
      unread: [{ folder: 'archives/hq/vm-101/2026-11-21T02-00-00Z/', why: 'not-complete' }],
      further: 0,
    })
  })

  it('looks at one site alone when asked to', async () => {
    await archive('hq', '100', '2026-11-20T02:00:00.000Z')
    const other = await archive('branch', '7', '2026-11-20T02:00:00.000Z')
    await plan({ site: 'branch' })
    expect((await items()).map(({ folder }) => folder)).toEqual([other])
    expect((await left()).sites).toEqual(['branch'])
  })

  it('goes by the policy of the request', async () => {
    const old = await archive('hq', '100', '2026-11-12T02:00:00.000Z')
    await verdict(await archive('hq', '100', '2026-11-21T02:00:00.000Z'), 'accepted')
    expect(await plan()).toMatchObject({ archiveCount: 0 })
    await plan({ policy: { archiveWithinDays: 9 } })
    expect(await items()).toMatchObject([{ folder: old, overdue: true }])
  })

  it('guards the bill and tells what it left, but reads all that a person names', async () => {
    const first = await archive('hq', '100', '2026-11-20T02:00:00.000Z', 600)
    const second = await archive('hq', '101', '2026-11-21T02:00:00.000Z', 600)
    const policy = { mostGiBPerRun: 1000 / 2 ** 30 }
    await plan({ policy })
    expect((await items()).map(({ folder }) => folder)).toEqual([first])
    expect((await left()).unread).toMatchObject([{ folder: second, why: 'no-room', overdue: false }])
    expect(await plan({ policy, archives: ['archives/hq/'] })).toMatchObject({ archiveCount: 2 })
  })

  it.each([
    ['a folder', (folder: string) => folder],
    ['a key', (folder: string) => `${folder}manifest.json`],
    ['a guest', () => 'archives/hq/vm-100/'],
    ['half a name', () => 'archives/hq/vm-10'],
    ['a site, and the same once more', () => 'archives/hq'],
  ])('reads on demand what %s names, though it was read before', async (_, named) => {
    const folder = await archive('hq', '100', '2026-11-21T02:00:00.000Z')
    await archive('branch', '100', '2026-11-21T02:00:00.000Z')
    await verdict(folder, 'refused')
    await plan({ archives: [named(folder), folder] })
    expect(await items()).toMatchObject([{ folder, overdue: true, reason: 'It was asked for.' }])
  })

  it.each([
    [{ archives: ['archives/hq/vm-9/'] }, /no archive below s3:\/\/memory\/archives\/hq\/vm-9\//],
    [{ archive: 'archives/hq/' }, /can't be used/],
    [{ policy: { archiveWithinDays: 'often' } }, /policy/],
  ])('refuses %j with a sentence', async (request, message) => {
    await archive('hq', '100', '2026-11-21T02:00:00.000Z')
    await expect(plan(request)).rejects.toMatchObject({ name: 'InvalidJob', message: expect.stringMatching(message) })
  })

  it('reads the newest whole archive of a guest that is named, and refuses a name that fits none or two', async () => {
    await archive('hq', '100', '2026-11-20T02:00:00.000Z')
    const newest = await archive('hq', '100', '2026-11-21T02:00:00.000Z')
    await plan({ archives: ['hq/vm-100'] })
    expect(await items()).toMatchObject([{ folder: newest, reason: 'It was asked for.' }])
    await archive('branch', '100', '2026-11-21T02:00:00.000Z')
    const refused = (name: string, words: RegExp) =>
      expect(plan({ archives: [name] })).rejects.toMatchObject({
        name: 'ArchiveUnknown',
        message: expect.stringMatching(words),
      })
    await refused('100', /may be any of 2 guests: branch\/vm-100.*hq\/vm-100/)
    await plan({ archives: ['100'], site: 'hq' })
    expect(await items()).toMatchObject([{ folder: newest }])
    await refused('runs/2026/', /no archive of runs\/2026\//)
  })

  it('names what is newer than the archive that it reads, and not whole', async () => {
    const whole = await archive('hq', '100', '2026-11-20T02:00:00.000Z')
    const folder = 'archives/hq/vm-100/2026-11-21T02-00-00Z/'
    await ports.store.writeText(`${folder}file`, 'half')
    await plan({ archives: ['hq/vm-100'] })
    expect(await items()).toMatchObject([{ folder: whole }])
    expect((await left()).unread).toMatchObject([{ folder, why: 'not-complete', overdue: true }])
  })

  it('leaves to an earlier run without a report what that may still be reading at length', async () => {
    const large = await archive('hq', '100', '2026-11-20T02:00:00.000Z', 600)
    const small = await archive('hq', '101', '2026-11-20T02:00:00.000Z', 300)
    const request = { mostGiBInFunction: 500 / 2 ** 30 }
    await plan(request, 'verify-0')
    await plan(request)
    expect((await items()).map(({ folder }) => folder)).toEqual([small])
    expect((await left()).unread).toMatchObject([{ folder: large, why: 'being-read' }])
    // A repeat of the same call is no other run.
    await plan(request, 'verify-0')
    expect(await read('verifications/2026/11/22/verify-0/plan.json')).toHaveLength(2)

    // Two days later it is dead, report or not.
    ports.clock.now = new Date('2026-11-24T02:00:05.000Z')
    await planVerification({ verificationId: 'v', startedAt: '2026-11-24T02:00:05.000Z', request }, ports)
    expect(await read('verifications/2026/11/24/v/plan.json')).toHaveLength(2)
  })

  it('takes it up again as soon as that run has reported', async () => {
    await archive('hq', '100', '2026-11-20T02:00:00.000Z', 600)
    const request = { mostGiBInFunction: 500 / 2 ** 30 }
    await plan(request, 'verify-0')
    await ports.store.writeText('verifications/2026/11/22/verify-0/report.json', '{}')
    expect(await plan(request)).toMatchObject({ archiveCount: 1 })
  })
})

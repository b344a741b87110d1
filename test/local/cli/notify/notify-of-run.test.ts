import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Notice, noticeSchema } from '../../../../functions/contracts/notice.ts'
import type { NoticeChannel } from '../../../../functions/contracts/notice-channel.ts'
import type { GuestOutcome, RunReport } from '../../../../functions/contracts/report.ts'
import {
  archiveFolder,
  artifactKey,
  manifestKey,
  planKey,
  reportKey,
  runPrefix,
} from '../../../../functions/domain/books/object-keys.ts'
import { notifyOfRun } from '../../../../local/cli/notify/notify-of-run.ts'
import { MemoryStore } from '../../../fakes/memory-store.ts'
import { manifestOf } from '../../../fakes/manifest.ts'
import { item } from '../../../fakes/ports.ts'

let server: Server
let store: MemoryStore
let notices: Notice[]
let channels: NoticeChannel[]
beforeEach(async () => {
  store = new MemoryStore()
  notices = []
  server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (text: string) => (body += text))
    request.on('end', () => {
      notices.push(noticeSchema.parse(JSON.parse(body)))
      response.writeHead(204).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  channels = [{ type: 'webhook', url: `http://127.0.0.1:${port}/`, atLeast: 'info' }]
})
afterEach(() => new Promise<unknown>((resolve) => server.close(resolve)))

const startedAt = new Date(Date.now() - 3_600_000).toISOString()
const madeAt = '2026-11-20T02:00:00.000Z'
const outcome = (result: GuestOutcome['outcome']): GuestOutcome => ({
  id: '100',
  name: 'web',
  kind: 'vm',
  verdict: 'GuestLocked',
  reason: 'It is locked.',
  artifacts: [],
  outcome: result,
  bytesSent: 0,
  seconds: 1,
})
const report = (runId: string, result: GuestOutcome['outcome']): RunReport => ({
  version: 1,
  runId,
  site: 'hq',
  outcome: result === 'succeeded' ? 'succeeded' : 'failed',
  summary: 's',
  notes: [],
  startedAt,
  endedAt: startedAt,
  guests: [outcome(result)],
})
const tell = (its: RunReport) =>
  notifyOfRun(channels, { report: its, runId: its.runId, site: 'hq' }, { store, keyPrefix: '' })
const put = (key: string, value: unknown) =>
  store.writeText(key, typeof value === 'string' ? value : JSON.stringify(value))
const planned = (identity: string) =>
  put(planKey(runPrefix('', 'now', startedAt)), [{ ...item, guest: { ...item.guest, identity: { id: identity } } }])

async function keepArchive(identity: string) {
  const guest = { ...item.guest, identity: { id: identity } }
  const folder = archiveFolder('', 'hq', guest, madeAt)
  const manifest = manifestOf(madeAt, [3], guest)
  await put(artifactKey(folder, manifest.artifacts[0]?.fileName ?? ''), 'vma')
  await put(manifestKey(folder), manifest)
}

describe('the notice of a run on this machine', () => {
  it("says when a missed guest's last whole archive was made", async () => {
    await keepArchive('smbios:1')
    await planned('smbios:1')
    await tell(report('now', 'failed'))
    expect(notices).toMatchObject([{ event: 'failed', guests: [{ id: '100', lastArchiveAt: madeAt }] }])
  })

  it('never counts the archives of another guest that had the id', async () => {
    await keepArchive('smbios:1')
    await planned('smbios:2')
    await tell(report('now', 'failed'))
    expect(notices).toMatchObject([{ guests: [{ lastArchiveAt: null }] }])
  })

  it('is good news where the run before it had missed the guest, and none where that one is unreadable', async () => {
    await put(reportKey(runPrefix('', 'before', startedAt)), report('before', 'failed'))
    await tell(report('now', 'succeeded'))
    await put(reportKey(runPrefix('', 'before', startedAt)), '<html>')
    await tell(report('now', 'succeeded'))
    expect(notices).toMatchObject([{ event: 'recovered' }, { event: 'archived' }])
  })

  it('is sent all the same, with a warning, where the store says nothing of older archives', async () => {
    const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    await put(planKey(runPrefix('', 'now', startedAt)), '<html>')
    await tell(report('now', 'failed'))
    expect(notices).toMatchObject([{ event: 'failed', guests: [{ id: '100' }] }])
    expect(notices[0]?.guests[0]).not.toHaveProperty('lastArchiveAt')
    expect(String(said.mock.calls[0]?.[0])).toContain("doesn't say how old the last archives are")
    said.mockRestore()
  })
})

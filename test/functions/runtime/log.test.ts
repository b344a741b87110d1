import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { BackupFailed } from '../../../functions/contracts/errors.ts'
import { defineHandler } from '../../../functions/runtime/define-handler.ts'
import { loggedAbout, logLine, subjectOf } from '../../../functions/runtime/log.ts'
import { stored } from '../../fakes/evidence.ts'
import { item } from '../../fakes/ports.ts'

let printed: string[]
beforeEach(() => {
  printed = []
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed.push(String(text))
    return true
  })
})
afterEach(() => vi.restoreAllMocks())
const lines = () => printed.map((line) => JSON.parse(line) as Record<string, unknown>)

describe('a line of the log', () => {
  it('says which guest, site and run it is about, whoever prints it', async () => {
    await Promise.all(
      ['100', '101'].map((guest) =>
        loggedAbout({ guest, site: 'hq' }, async () => {
          await delay(1)
          logLine('store-call-failed', { reason: 'slow down' })
        }),
      ),
    )
    expect(lines()).toMatchObject([
      { event: 'store-call-failed', guest: '100', site: 'hq', reason: 'slow down' },
      { event: 'store-call-failed', guest: '101', site: 'hq', reason: 'slow down' },
    ])
  })

  it('keeps what it says itself', () => {
    loggedAbout({ guest: '100' }, () => logLine('guest-asked-for', { guest: '9100' }))
    logLine('swept', {})
    expect(lines()).toMatchObject([{ guest: '9100' }, { event: 'swept' }])
    expect(lines()[1]).not.toHaveProperty('guest')
  })

  it('of a task that failed names the guest too', async () => {
    const handler = defineHandler(
      'VerifyArchive',
      async () => {
        throw new BackupFailed('The object has another checksum.')
      },
      () => ({}),
    )
    const location = { node: 'pve1', path: '/a', storage: 'local', volume: 'a' }
    const artifact = { artifactRef: 'a', fileName: 'a', sizeBytes: 1, createdAt: '2026-11-22T02:00:07.000Z', location }
    const call = handler({ item, artifacts: [artifact], stored: [stored] }, { getRemainingTimeInMillis: () => 1000 })
    await expect(call).rejects.toThrow(BackupFailed)
    expect(lines()).toMatchObject([
      { event: 'task-failed', guest: item.guest.id, site: item.site, run: item.run.id, error: 'BackupFailed' },
    ])
  })
})

describe('what a payload is about', () => {
  it.each([
    ['a guest of a run', { item }, { site: item.site, guest: item.guest.id, run: item.run.id }],
    ['a restore', { restore: { id: 'r-1', startedAt: 'x' } }, { restore: 'r-1' }],
    ['a run', { site: 'hq' }, {}],
    ['nothing that is known', 'text', {}],
    ['an item that is malformed', { item: { guest: 100 } }, {}],
  ])('is %s', (_what, payload, subject) => {
    expect(subjectOf(payload)).toEqual(subject)
  })
})

import { describe, expect, it } from 'vitest'
import { openClassifier } from '../../../local/replay/classify.ts'
import type { Exchange } from '../../../local/replay/recording.ts'
import { recording, recordingNames, recordingsPresent } from '../../functions/providers/proxmox/transcripts.ts'
import { expectedOf, notOurs } from './expected.ts'

function exchange(method: string, path: string, response: Partial<Exchange['response']>, body = ''): Exchange {
  return {
    request: { method, path: `/api2/json${path}`, headers: [], body },
    response: {
      status: 200,
      statusLine: `HTTP/1.1 ${response.status ?? 200} ${response.status === undefined ? 'OK' : 'x'}`,
      headers: [],
      body: '',
      connectionAfter: 'closed by server',
      ...response,
    },
  }
}

async function outcomeOf(one: Exchange, siblings: readonly Exchange[] = [one]) {
  const classifier = await openClassifier()
  try {
    return await classifier.classify(one, siblings)
  } finally {
    await classifier.close()
  }
}

describe.skipIf(!recordingsPresent)('each recorded answer, made of by the client', () => {
  it.each(recordingsPresent ? recordingNames() : [])('%s: as the facts say', async (name) => {
    const exchanges = recording(name)
    const classifier = await openClassifier()
    try {
      for (const [index, one] of exchanges.entries()) {
        const line = `${one.request.method} ${one.request.path}`
        const { outcome, error, message } = await classifier.classify(one, exchanges)
        const expected = notOurs.some((pattern) => pattern.test(line))
          ? { outcome: 'not-ours', error: null }
          : expectedOf(one)
        expect({ index, line, outcome, error }, message).toEqual({ index, line, ...expected })
        expect(message).not.toBe('')
      }
    } finally {
      await classifier.close()
    }
  })
})

describe('answers that no recording holds', () => {
  const upid = 'UPID:pve1:0000211A:0003B7FF:6B0327BB:vzdump:100:backup@pve!client:'
  const status = `/nodes/pve1/tasks/${encodeURIComponent(upid)}/status`
  const body = (value: unknown) => JSON.stringify({ data: value })

  it.each([
    ['unexpected status', 'fail-guest', /lost track.*qm unlock 100/],
    ['interrupted by signal', 'fail-guest', /stopped before it was done/],
    ['unable to get last line from task log - no such file', 'fail-guest', /lost track/],
    ['job errors', 'fail-guest', /job errors/],
    ['got timeout', 'fail-guest', /got timeout/],
    ['WARNINGS: 3', 'ok', /WARNINGS: 3/],
    ['OK', 'ok', /OK/],
  ])('a backup that ended with %j', async (exitstatus, outcome, says) => {
    const result = await outcomeOf(exchange('GET', status, { body: body({ status: 'stopped', exitstatus }) }))
    expect(result.outcome).toBe(outcome)
    expect(result.message).toMatch(says)
  })

  it.each([
    [596, 'POST', '/nodes/pve1/vzdump', 'retry', 'BackupStartUnclear'],
    [597, 'POST', '/nodes/pve1/vzdump', 'retry', 'BackupStartUnclear'],
    [599, 'GET', '/version', 'retry', 'PlatformUnavailable'],
    [502, 'GET', '/version', 'retry', 'PlatformUnavailable'],
    [404, 'GET', '/version', 'fail-run', 'RequestRejected'],
    [596, 'DELETE', `/nodes/pve1/tasks/${encodeURIComponent(upid)}`, 'retry', 'PlatformUnavailable'],
    [596, 'DELETE', '/nodes/pve1/storage/store/content/store%3Abackup%2Fx.tar', 'retry', 'PlatformUnavailable'],
  ])('%i to %s %s', async (code, method, path, outcome, error) => {
    const result = await outcomeOf(exchange(method, path, { status: code, headers: [['Content-Length', '0']] }))
    expect(result).toMatchObject({ outcome, error })
  })

  it('no answer at all to the start of a backup leaves it unclear', async () => {
    const result = await outcomeOf(
      exchange('POST', '/nodes/pve1/vzdump', { status: null, statusLine: null }, 'vmid=100'),
    )
    expect(result).toMatchObject({ outcome: 'retry', error: 'BackupStartUnclear' })
  })

  it('a guest that is locked when it is asked for synchronously is skipped', async () => {
    const text = JSON.stringify({ data: null, message: 'VM is locked (rollback)\n' })
    const result = await outcomeOf(exchange('POST', '/nodes/pve1/vzdump', { status: 500, body: text }, 'vmid=100'))
    expect(result).toMatchObject({ outcome: 'skip-guest', error: 'GuestLocked' })
  })

  it('half a login needs a second factor, unless the recording goes on to give it', async () => {
    const ticket = `PVE:!tfa!${encodeURIComponent('{"totp":true}')}:6B0326A9::c2ln`
    const first = exchange(
      'POST',
      '/access/ticket',
      { body: body({ ticket, NeedTFA: 1 }) },
      'username=a%40pve&password=x',
    )
    const form = new URLSearchParams({ username: 'a@pve', password: 'totp:123456', 'tfa-challenge': ticket })
    const second = exchange('POST', '/access/ticket', { body: body({ ticket: 'PVE:a@pve:whole' }) }, form.toString())
    const refused = exchange('POST', '/access/ticket', { status: 401, body: '{"data":null}' }, form.toString())
    expect(await outcomeOf(first)).toMatchObject({ outcome: 'fail-run', error: 'SecondFactorRequired' })
    expect(await outcomeOf(first, [first, second])).toMatchObject({ outcome: 'ok' })
    expect(await outcomeOf(second, [first, second])).toMatchObject({ outcome: 'ok' })
    expect(await outcomeOf(refused, [first, refused])).toMatchObject({
      outcome: 'fail-run',
      error: 'CredentialsRejected',
    })
  })

  it('an older server says why in its reason phrase alone', async () => {
    const result = await outcomeOf(
      exchange('GET', '/nodes/pve1/storage/nas/content?content=backup', {
        status: 403,
        statusLine: 'HTTP/1.1 403 Permission check failed (/storage/nas, Datastore.Audit)',
        body: '{"data":null}',
      }),
    )
    expect(result).toMatchObject({ outcome: 'fail-run', error: 'PrivilegeMissing' })
    expect(result.message).toContain('Datastore.Audit on /storage/nas')
  })

  it('a version that is too old fails the run by name', async () => {
    const result = await outcomeOf(exchange('GET', '/version', { body: body({ version: '6.4-15' }) }))
    expect(result).toMatchObject({ outcome: 'fail-run', error: 'RequestRejected' })
    expect(result.message).toContain('6.4-15')
  })
})

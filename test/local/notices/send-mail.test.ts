import type { AddressInfo } from 'node:net'
import { SMTPServer } from 'smtp-server'
import { afterEach, describe, expect, it } from 'vitest'
import type { Notice } from '../../../functions/contracts/notice.ts'
import type { NoticeChannel } from '../../../functions/contracts/notice-channel.ts'
import { sendMail } from '../../../local/notices/send-mail.ts'

const notice: Notice = {
  version: 1,
  id: 'run/local/hq/nightly 1',
  event: 'failed',
  severity: 'error',
  at: '2026-11-22T03:00:00.000Z',
  deployment: 'local',
  workflow: 'export run',
  subject: 'Guestlift local, site hq: wäb (100) not archived',
  summary: '1 of 2 guests archived.',
  guests: [],
  guestCount: 0,
  notes: [],
}

let server: SMTPServer | undefined
afterEach(() => new Promise<void>((resolve) => (server === undefined ? resolve() : server.close(resolve))))

/** Somebody else's server: the mails that it took. */
async function openServer(users: Readonly<Record<string, string>> = {}) {
  const mails: { from: string; to: string[]; text: string }[] = []
  server = new SMTPServer({
    // Over plain text, as on this machine alone.
    authOptional: Object.keys(users).length === 0,
    disabledCommands: ['STARTTLS'],
    allowInsecureAuth: true,
    onAuth: ({ username = '', password }, _, callback) => {
      if (users[username] === password) callback(null, { user: username })
      else callback(new Error(`no login for ${username} with ${password ?? ''}`))
    },
    onData: (stream, { envelope }, callback) => {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        const from = envelope.mailFrom === false ? '' : envelope.mailFrom.address
        mails.push({ from, to: envelope.rcptTo.map(({ address }) => address), text: Buffer.concat(chunks).toString() })
        callback()
      })
    },
  })
  server.on('error', () => undefined)
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve))
  return { mails, port: (server.server.address() as AddressInfo).port }
}

const channel = (address: string): Extract<NoticeChannel, { type: 'mail' }> => ({
  type: 'mail',
  server: address,
  from: 'guestlift@example.com',
  to: ['a@example.com', 'b@example.com'],
  atLeast: 'info',
})

describe('a notice by mail', () => {
  it('reaches all of its receivers, with its subject and text, and is known as a machine’s', async () => {
    const { mails, port } = await openServer({ me: 'p@ss' })
    expect(await sendMail(channel(`smtp://me:p%40ss@127.0.0.1:${port}`), notice)).toEqual({ delivered: true })
    expect(mails).toMatchObject([{ from: 'guestlift@example.com', to: ['a@example.com', 'b@example.com'] }])
    expect(mails[0]?.text).toMatch(/^Subject: =\?UTF-8\?/m)
    expect(mails[0]?.text).toContain('1 of 2 guests archived.')
    expect(mails[0]?.text).toMatch(/^Auto-Submitted: auto-generated/m)
    expect(mails[0]?.text).toMatch(/^Message-ID: <run\.local\.hq\.nightly\.1@guestlift>/m)
  })

  it('that the server refuses is a sentence without user and password', async () => {
    const { port } = await openServer({ me: 'right' })
    const sent = await sendMail(channel(`smtp://me:wr0ng@127.0.0.1:${port}`), notice)
    expect(sent).toMatchObject({ delivered: false, why: expect.stringContaining('127.0.0.1 did not take the mail') })
    expect(JSON.stringify(sent)).not.toContain('wr0ng')
  })

  it('for a server that is not there is a sentence, too', async () => {
    const sent = await sendMail(channel('smtp://me:s3cret@127.0.0.1:1'), notice)
    expect(sent).toMatchObject({ delivered: false })
    expect(JSON.stringify(sent)).not.toContain('s3cret')
  })
})

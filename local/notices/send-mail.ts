/** Notices by mail, through an SMTP server: on AWS, the topic sends them. */
import { createTransport } from 'nodemailer'
import type { Notice } from '../../functions/contracts/notice.ts'
import type { NoticeChannel } from '../../functions/contracts/notice-channel.ts'
import { noticeText } from '../../functions/domain/notices/notice-text.ts'
import { sentence } from '../../functions/domain/words/sentence.ts'
import type { Sent } from '../../functions/notices/send-notice.ts'

const PATIENCE_MILLISECONDS = 20_000
const SMTPS_PORT = 465
const SUBMISSION_PORT = 587

/** Never throws. `why` names neither user nor password. */
export async function sendMail(
  { server, from, to }: Extract<NoticeChannel, { type: 'mail' }>,
  notice: Notice,
): Promise<Sent> {
  const { hostname, password, port, protocol, username } = new URL(server)
  const secure = protocol === 'smtps:'
  const transport = createTransport({
    host: hostname,
    port: Number(port === '' ? (secure ? SMTPS_PORT : SUBMISSION_PORT) : port),
    secure,
    // Where it isn't encrypted from the first byte, STARTTLS is demanded of any server but this machine's own.
    requireTLS: !secure && !isOwn(hostname),
    ...(username === '' ? {} : { auth: { user: decodeURIComponent(username), pass: decodeURIComponent(password) } }),
    connectionTimeout: PATIENCE_MILLISECONDS,
    greetingTimeout: PATIENCE_MILLISECONDS,
    socketTimeout: PATIENCE_MILLISECONDS,
  })
  try {
    await transport.sendMail({
      from,
      to,
      subject: notice.subject,
      text: noticeText(notice),
      // A second mail about the same event joins the first one's thread.
      messageId: `<${notice.id.replaceAll(/[^A-Za-z0-9._-]/g, '.')}@guestlift>`,
      headers: { 'Auto-Submitted': 'auto-generated' },
    })
    return { delivered: true }
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error)
    const secrets = [decodeURIComponent(password), password, decodeURIComponent(username)].filter(
      ({ length }) => length > 0,
    )
    const why = secrets.reduce((text, secret) => text.replaceAll(secret, '…'), said)
    return { delivered: false, why: sentence(`The mail server ${hostname} did not take the mail: ${why}`) }
  } finally {
    transport.close()
  }
}

function isOwn(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '127.0.0.1' || hostname === '[::1]'
}

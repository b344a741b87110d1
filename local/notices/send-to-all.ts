import type { Notice } from '../../functions/contracts/notice.ts'
import type { NoticeChannel } from '../../functions/contracts/notice-channel.ts'
import { takes } from '../../functions/domain/notices/choose-channel.ts'
import { type Sent, type SendingDeps, sendNotice } from '../../functions/notices/send-notice.ts'

export interface SentTo {
  /** Which channel, by its place and kind: an address may be a secret. */
  channel: string
  sent: Sent
}

/** Send a notice to each channel that takes it, all at once. What became of it on each. */
export function sendToAll(channels: readonly NoticeChannel[], notice: Notice, deps: SendingDeps): Promise<SentTo[]> {
  return Promise.all(
    channels.flatMap((channel, index) =>
      takes(channel, notice)
        ? [sendTo(channel, notice, deps).then((sent) => ({ channel: `channel ${index + 1} (${channel.type})`, sent }))]
        : [],
    ),
  )
}

async function sendTo(channel: NoticeChannel, notice: Notice, deps: SendingDeps): Promise<Sent> {
  if (channel.type !== 'mail') return sendNotice(channel, notice, deps)
  // Whoever sends no mail doesn't wait for the library.
  const { sendMail } = await import('./send-mail.ts')
  return sendMail(channel, notice)
}

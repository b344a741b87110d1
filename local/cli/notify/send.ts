import { setTimeout as delay } from 'node:timers/promises'
import type { Notice } from '../../../functions/contracts/notice.ts'
import type { NoticeChannel } from '../../../functions/contracts/notice-channel.ts'
import { sendToAll, type SentTo } from '../../notices/send-to-all.ts'
import { printNotes } from '../print/terminal.ts'
import { plain } from '../print/columns.ts'

/** Send a notice and warn of each channel that did not take it. What became of it on each that was asked. */
export async function sendAndWarn(channels: readonly NoticeChannel[], notice: Notice): Promise<SentTo[]> {
  const all = await sendToAll(channels, notice, {
    now: () => new Date(),
    sleep: (milliseconds) => delay(milliseconds),
  })
  printNotes(
    all.flatMap(({ channel, sent }) =>
      sent.delivered ? [] : [`warning: The notice did not reach ${channel}. ${plain(sent.why)}`],
    ),
  )
  return all
}

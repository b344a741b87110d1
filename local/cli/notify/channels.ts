/** Channels as the command line takes them: files with channels, or addresses of webhooks. */
import {
  type NoticeChannel,
  noticeChannelSchema,
  noticeChannelsSchema,
} from '../../../functions/contracts/notice-channel.ts'
import { UsageError } from '../../run/cli-error.ts'
import { withoutSchema } from '../../../functions/domain/words/without-schema.ts'
import { readDocument } from '../../documents/read-document.ts'

/**
 * @param given each a path of a file `{"channels": [...]}`, or the address of a webhook that gets notices unsigned
 * @throws UsageError for a file that can't be read or isn't valid; the message quotes no value
 */
export async function readChannels(given: readonly string[]): Promise<NoticeChannel[]> {
  const channels = await Promise.all(
    given.map(async (each) => (/^https?:\/\//.test(each) ? webhookAt(each) : channelsIn(each))),
  )
  return channels.flat()
}

function webhookAt(url: string): NoticeChannel[] {
  const { data, success } = noticeChannelSchema.safeParse({ type: 'webhook', url })
  if (!success) throw new UsageError('The address of a webhook after --notify is none: write https://host/path.')
  return [data]
}

async function channelsIn(path: string): Promise<NoticeChannel[]> {
  const document = await readDocument(path, {
    noun: 'channels',
    page: 'docs/notices.md',
    error: (message, options) => new UsageError(message, options),
  })
  const { data, error } = noticeChannelsSchema.safeParse(withoutSchema(document.value))
  if (error !== undefined) throw document.refusal(error)
  return data.channels
}

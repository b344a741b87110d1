import { type Notice, noticeSeveritySchema } from '../../contracts/notice.ts'
import type { NoticeChannel } from '../../contracts/notice-channel.ts'

const order = noticeSeveritySchema.options

/** Whether a channel takes a notice. A test reaches all of them. */
export function takes({ events, atLeast }: NoticeChannel, { event, severity }: Notice): boolean {
  if (event === 'test') return true
  return (events === undefined || events.includes(event)) && order.indexOf(severity) >= order.indexOf(atLeast)
}

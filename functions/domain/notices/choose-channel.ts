import { type Notice, noticeSeveritySchema } from '../../contracts/notice.ts'
import type { NoticeChannel } from '../../contracts/notice-channel.ts'

const order = noticeSeveritySchema.options

/**
 * Whether a channel takes a notice. A test reaches all of them. That something came back reaches whoever was told that it
 * failed, however bad news have to be for a channel: an incident would else stay open.
 */
export function takes({ events, atLeast }: NoticeChannel, { event, severity }: Notice): boolean {
  if (event === 'test') return true
  const matters = event === 'recovered' || order.indexOf(severity) >= order.indexOf(atLeast)
  return matters && (events === undefined || events.includes(event))
}

import type { Notice, NoticeSeverity } from '../../contracts/notice.ts'
import type { NoticeChannel } from '../../contracts/notice-channel.ts'
import { noticeText } from './notice-text.ts'

/** A channel that is spoken to over HTTP. */
export type WebChannel = Exclude<NoticeChannel, { type: 'mail' }>

/** One request, ready to be sent; signing is for whoever sends it. */
export interface ChannelMessage {
  url: string
  headers: Record<string, string>
  body: string
}

/** Slack shows 3000 characters of a section; Teams, 28 KiB of a card; both cut or refuse what is longer. */
const SHOWN = 2_900

/**
 * A notice in the form that a service takes. From their documentation: Slack "Incoming webhooks", Teams "Post to a channel
 * when a webhook request is received" (adaptive card 1.4), PagerDuty "Events API v2", ntfy "Publishing as JSON", Gotify
 * "Push messages". None of them was ever met from here.
 */
export function channelMessage(channel: WebChannel, notice: Notice): ChannelMessage {
  const text = noticeText(notice)
  switch (channel.type) {
    case 'webhook':
      return json(channel.url, notice)
    case 'slack':
      return json(channel.url, {
        text: notice.subject,
        blocks: [
          { type: 'header', text: { type: 'plain_text', text: cut(notice.subject, 150) } },
          { type: 'section', text: { type: 'plain_text', text: cut(text, SHOWN) } },
        ],
      })
    case 'teams':
      return json(channel.url, { type: 'message', attachments: [teamsCard(notice, text)] })
    case 'pagerduty':
      return json(channel.url, pagerDutyEvent(channel.routingKey, notice, text))
    case 'ntfy': {
      // JSON goes to the server's root and names the topic; headers would take no letters beyond ASCII.
      const { origin, pathname } = new URL(channel.url)
      const [topic = '', ...above] = pathname
        .split('/')
        .filter((part) => part !== '')
        .toReversed()
      const root = [origin, ...above.toReversed()].join('/')
      const message = {
        topic,
        title: notice.subject,
        message: cut(text, SHOWN),
        priority: ntfyPriority[notice.severity],
      }
      return json(root, message, channel.token === undefined ? {} : { authorization: `Bearer ${channel.token}` })
    }
    case 'gotify':
      return json(
        `${channel.url.replace(/\/+$/, '')}/message`,
        { title: notice.subject, message: text, priority: gotifyPriority[notice.severity] },
        { 'x-gotify-key': channel.token },
      )
  }
}

function json(url: string, body: unknown, headers: Record<string, string> = {}): ChannelMessage {
  return { url, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) }
}

function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`
}

function teamsCard({ subject, severity }: Notice, text: string) {
  return {
    contentType: 'application/vnd.microsoft.card.adaptive',
    content: {
      $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
      type: 'AdaptiveCard',
      version: '1.4',
      body: [
        { type: 'TextBlock', text: subject, weight: 'Bolder', wrap: true, color: teamsColour[severity] },
        // A line break of its own for each line: a card joins lines that follow each other.
        { type: 'TextBlock', text: cut(text, SHOWN).replaceAll('\n', '\n\n'), wrap: true },
      ],
    },
  }
}

/** An incident is one for each site and workflow, so that what comes back closes what failed. */
function pagerDutyEvent(routingKey: string, notice: Notice, text: string) {
  const { deployment, workflow, site, event, severity, subject, at } = notice
  const good = event !== 'failed' && event !== 'needs-attention'
  return {
    routing_key: routingKey,
    event_action: good && severity === 'info' ? 'resolve' : 'trigger',
    dedup_key: ['guestlift', deployment, workflow, site ?? ''].join('/'),
    payload: {
      summary: subject,
      source: site === undefined ? `guestlift ${deployment}` : `guestlift ${deployment}, site ${site}`,
      severity,
      timestamp: at,
      custom_details: { text },
    },
  }
}

const ntfyPriority: Readonly<Record<NoticeSeverity, number>> = { info: 2, warning: 3, error: 4, critical: 5 }
const gotifyPriority: Readonly<Record<NoticeSeverity, number>> = { info: 2, warning: 5, error: 7, critical: 9 }
const teamsColour: Readonly<Record<NoticeSeverity, string>> = {
  info: 'Good',
  warning: 'Warning',
  error: 'Attention',
  critical: 'Attention',
}

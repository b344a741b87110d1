/** Where notices go. Addresses and keys of a channel are secrets: many services take anyone who knows the address. */
import * as z from 'zod'
import { noticeEventSchema, noticeSeveritySchema } from './notice.ts'

const webAddressSchema = z.string().refine((text) => /^https?:\/\//.test(text) && URL.canParse(text), {
  error: 'an address begins with https:// or http://',
})

const choices = {
  events: z.array(noticeEventSchema).min(1).optional().describe('Only these events. All of them without it.'),
  atLeast: noticeSeveritySchema.default('info').describe('Only notices of this severity and worse.'),
}

const url = webAddressSchema.describe('The address that notices are sent to. It is a secret.')

/** In its text `whsec_` and base64, or base64 alone: Standard Webhooks, "Secret". */
const signingSecretSchema = z
  .string()
  .regex(
    /^(whsec_)?[A-Za-z0-9+/]{32,}={0,2}$/,
    'a secret is whsec_ and at least 24 bytes as base64: openssl rand -base64 32',
  )

export const noticeChannelSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('webhook').describe('The notice as JSON, signed after Standard Webhooks.'),
    url,
    secret: signingSecretSchema.optional().describe('What notices are signed with. They are not signed without it.'),
    ...choices,
  }),
  z.strictObject({ type: z.literal('slack').describe('An incoming webhook of Slack.'), url, ...choices }),
  z.strictObject({
    type: z.literal('teams').describe('A workflow of Microsoft Teams that posts a card.'),
    url,
    ...choices,
  }),
  z.strictObject({
    type: z.literal('pagerduty').describe('The Events API v2 of PagerDuty.'),
    routingKey: z.string().min(1).describe('Integration key. It is a secret.'),
    url: webAddressSchema.default('https://events.pagerduty.com/v2/enqueue').describe('Another region of the service.'),
    ...choices,
  }),
  z.strictObject({
    type: z.literal('ntfy').describe('A topic of ntfy.'),
    url: url.describe('The address of the topic: `https://ntfy.sh/my-topic`.'),
    token: z.string().min(1).optional().describe('Access token, where the topic asks for one.'),
    ...choices,
  }),
  z.strictObject({
    type: z.literal('gotify').describe('A server of Gotify.'),
    url: url.describe('The address of the server.'),
    token: z.string().min(1).describe("The application's token."),
    ...choices,
  }),
  z.strictObject({
    type: z.literal('mail').describe('Mail through an SMTP server. On one machine alone.'),
    server: z
      .string()
      .regex(/^smtps?:\/\//, 'a server is written smtps://user:password@mail.example.com, or smtp:// with STARTTLS')
      .describe('`smtps://user:password@mail.example.com:465`, or `smtp://` with STARTTLS. It is a secret.'),
    from: z.string().min(3).describe('Address of the sender.'),
    to: z.array(z.string().min(3)).min(1).describe('Addresses.'),
    ...choices,
  }),
])
export type NoticeChannel = z.infer<typeof noticeChannelSchema>

export const noticeChannelsSchema = z.strictObject({ channels: z.array(noticeChannelSchema).min(1) })

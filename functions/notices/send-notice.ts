import type { Notice } from '../contracts/notice.ts'
import { type ChannelMessage, channelMessage, type WebChannel } from '../domain/notices/channel-message.ts'
import { sentence } from '../domain/words/sentence.ts'
import { signatureHeaders } from './sign-webhook.ts'

export interface SendingDeps {
  now(): Date
  sleep(milliseconds: number): Promise<void>
}

/** What became of a notice on one channel. `why` names neither address nor key. */
export type Sent = { delivered: true } | { delivered: false; why: string }

const TRIES = 4
const FIRST_PAUSE_MILLISECONDS = 1_000
/** A service that asks for more patience than this is tried again no more: a run's end doesn't wait for it. */
const LONGEST_PAUSE_MILLISECONDS = 30_000
const ANSWER_MILLISECONDS = 10_000
/** Of a refusal this much is shown. */
const SHOWN_BYTES = 200

type Tried = { kind: 'delivered' } | { kind: 'refused'; why: string } | { kind: 'failed'; why: string; pause?: number }

/**
 * Send a notice to one channel. What may pass (no connection, no answer, 408, 425, 429, 5xx) is tried again with growing
 * pauses. A redirect isn't followed: whoever answers it would get what is meant for the address that was configured.
 * Never throws: a notice that can't be delivered changes nothing of what it is about.
 */
export async function sendNotice(channel: WebChannel, notice: Notice, deps: SendingDeps): Promise<Sent> {
  const message = channelMessage(channel, notice)
  for (let tries = 1; ; tries += 1) {
    const tried = await tryOnce(signed(channel, notice, message, deps.now()), secretsOf(channel))
    if (tried.kind === 'delivered') return { delivered: true }
    if (tried.kind === 'refused') return { delivered: false, why: tried.why }
    const pause = tried.pause ?? FIRST_PAUSE_MILLISECONDS * 4 ** (tries - 1)
    if (tries === TRIES || pause > LONGEST_PAUSE_MILLISECONDS) {
      return { delivered: false, why: `${tried.why} It was tried ${tries === 1 ? 'once' : `${tries} times`}.` }
    }
    await deps.sleep(pause)
  }
}

/** Anew for each try: a receiver refuses a time that is long past. */
function signed(channel: WebChannel, notice: Notice, message: ChannelMessage, at: Date): ChannelMessage {
  if (channel.type !== 'webhook' || channel.secret === undefined) return message
  const headers = signatureHeaders(notice.id, at, message.body, channel.secret)
  return { ...message, headers: { ...message.headers, ...headers } }
}

/** A service may repeat in its answer what it was asked with. */
function secretsOf(channel: WebChannel): string[] {
  const { href, pathname, search } = new URL(channel.url)
  const keys = [
    ...('token' in channel && channel.token !== undefined ? [channel.token] : []),
    ...('routingKey' in channel ? [channel.routingKey] : []),
  ]
  return [href, channel.url, `${pathname}${search}`, search, ...keys, pathname].filter((secret) => secret.length > 1)
}

async function tryOnce({ url, headers, body }: ChannelMessage, secrets: readonly string[]): Promise<Tried> {
  try {
    const answer = await fetch(url, {
      method: 'POST',
      redirect: 'manual',
      headers: { 'user-agent': 'guestlift', ...headers },
      body,
      signal: AbortSignal.timeout(ANSWER_MILLISECONDS),
    })
    const said = secrets.reduce((text, secret) => text.replaceAll(secret, '…'), await beginOf(answer))
    if (answer.ok) return { kind: 'delivered' }
    const why = sentence(`The service answered ${answer.status}${said === '' ? '' : `: ${said}`}`)
    if (answer.status >= 300 && answer.status < 400) {
      return { kind: 'refused', why: `${why} Redirects are not followed: configure the address that it leads to.` }
    }
    if (!mayPass(answer.status)) return { kind: 'refused', why: `${why} Check the address and the key of the channel.` }
    const pause = pauseAskedFor(answer.headers.get('retry-after'))
    return { kind: 'failed', why, ...(pause === undefined ? {} : { pause }) }
  } catch (error) {
    return { kind: 'failed', why: sentence(`The service could not be reached: ${causeOf(error)}`) }
  }
}

function mayPass(status: number): boolean {
  return status >= 500 || status === 408 || status === 425 || status === 429
}

function pauseAskedFor(header: string | null): number | undefined {
  const seconds = Number(header ?? Number.NaN)
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined
}

/** The first bytes of an answer, as one line. Whatever more comes is left unread. */
async function beginOf(answer: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of answer.body ?? []) {
    chunks.push(chunk as Uint8Array)
    bytes += (chunk as Uint8Array).length
    if (bytes >= SHOWN_BYTES) break
  }
  const text = Buffer.concat(chunks).subarray(0, SHOWN_BYTES).toString('utf8')
  return text.replaceAll(/[\p{Cc}\s]+/gu, ' ').trim()
}

/** The name of what happened and no address: Node.js's messages quote it, and it may be the key to the channel. */
function causeOf(error: unknown): string {
  if (error instanceof Error && error.name === 'TimeoutError') return `no answer within ${ANSWER_MILLISECONDS / 1000} s`
  const cause = error instanceof Error ? error.cause : undefined
  const code = typeof cause === 'object' && cause !== null && 'code' in cause ? String(cause.code) : undefined
  return code ?? (error instanceof Error ? error.name : 'unknown')
}

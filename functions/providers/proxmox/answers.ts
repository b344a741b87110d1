/** Reading raw answers and broken exchanges, before anybody asks what they mean. */
import type { GuestliftError } from '../../contracts/errors.ts'
import { PlatformUnavailable } from '../../contracts/errors.ts'
import type { Refused } from './errors.ts'
import type { HttpAnswer, HttpRequest, Unanswered } from '../../http/api-line.ts'
import { errorBodySchema } from './schemas.ts'
import { sentences } from '../../domain/words/sentence.ts'

const LONGEST_TEXT = 600

/** A list becomes a repeated name, which is how the API takes arrays in a form. */
export type Form = Readonly<Record<string, string | readonly string[]>>

function formText(form: Form): string {
  const pairs = Object.entries(form).flatMap(([name, value]) =>
    [value].flat().map((one): [string, string] => [name, one]),
  )
  return new URLSearchParams(pairs).toString()
}

export function formRequest(method: HttpRequest['method'], path: string, form: Form): HttpRequest {
  return {
    method,
    path: `/api2/json${path}`,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: formText(form),
  }
}

/** Without a body: the API answers 501 to a GET or DELETE that has one. */
export function bareRequest(method: HttpRequest['method'], path: string): HttpRequest {
  return { method, path: `/api2/json${path}`, headers: {} }
}

/** `undefined` for what isn't JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The text of a refusal: the body's message, or the reason phrase where there is none (59x, 401, before 2025). */
export function readRefusal(answer: HttpAnswer, redact: (text: string) => string): Refused {
  const body = errorBodySchema.safeParse(parseJson(answer.body))
  const message = body.success ? body.data.message : undefined
  const text = oneLine(redact(message ?? answer.reason))
  const complaints = body.success ? body.data.errors : undefined
  if (complaints === undefined) return { status: answer.status, text }
  const parameters = Object.fromEntries(
    Object.entries(complaints).map(([name, complaint]) => [oneLine(redact(name)), oneLine(redact(complaint))]),
  )
  return { status: answer.status, text, parameters }
}

function oneLine(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is meant
  const flat = text.replace(/[\u0000-\u0020\u007F]+/g, ' ').trim()
  return flat.length <= LONGEST_TEXT ? flat : `${flat.slice(0, LONGEST_TEXT)}…`
}

/** What became of a request that has no whole answer, to follow the endpoint's name. */
export function whatHappened({ sent, cause }: Unanswered): string {
  const code = codeOf(cause)
  switch (code) {
    case 'ECONNREFUSED':
      return 'refuses connections'
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `has a name that can't be resolved (${code})`
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return `can't be reached (${code})`
    case 'UND_ERR_HEADERS_TIMEOUT':
    case 'UND_ERR_BODY_TIMEOUT':
      return 'stopped answering'
    case 'UND_ERR_RES_EXCEEDED_MAX_SIZE':
      return 'gave an answer larger than any that makes sense'
    case 'EPROTO':
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
      return 'does not speak TLS'
    default:
  }
  const why = cause instanceof Error && cause.message !== '' ? oneLine(cause.message) : code
  return sent ? `broke off in the middle of the call (${why})` : `could not be connected to (${why})`
}

function codeOf(cause: unknown): string {
  if (typeof cause !== 'object' || cause === null || !('code' in cause)) return ''
  return typeof cause.code === 'string' ? cause.code : ''
}

/** One error for several endpoints that all failed: the only one, or a sum of what each said. */
export function mergeFailures(errors: readonly GuestliftError[]): GuestliftError {
  const [first, ...others] = errors
  if (first === undefined) return new PlatformUnavailable('no endpoint was asked')
  const messages = new Set(errors.map((error) => error.message))
  if (messages.size === 1 || others.some((other) => other.name !== first.name)) return errors.at(-1) ?? first
  return new PlatformUnavailable(sentences([...messages]), { cause: first })
}

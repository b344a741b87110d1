/** Lines to the services of Azure, and what they answer: JSON, or a refusal with a code. */
import { GuestliftError, InvalidSite, TlsIdentityMismatch } from '../contracts/errors.ts'
import type { Tls } from '../contracts/tls.ts'
import { type HttpAnswer, type Limits, type Line, standardLimits, Unanswered } from '../http/api-line.ts'
import { openProvenLine } from '../http/proven-line.ts'
import { otherNames, showedInstead, type TlsFacts } from '../tls/connect.ts'
import { parseJson } from '../domain/words/parse-json.ts'

export const azureLimits: Limits = { ...standardLimits, headersTimeoutMs: 60_000 }

export interface AzureDeps {
  now: () => Date
  sleep: (milliseconds: number, signal?: AbortSignal) => Promise<void>
  random?: () => number
  limits?: Limits
}

/** Paths of Resource Manager, with their queries. */
export interface Operation {
  /** `Azure-AsyncOperation`: says how it stands. */
  statusPath?: string
  /** `Location`: holds the result when it has ended. */
  resultPath?: string
  waitSeconds: number | undefined
}

export function openAzureLine(site: string, endpoint: string, tls: Tls, limits: Limits = azureLimits): Line {
  return openProvenLine(endpoint, tls, azureTlsFacts(site), limits)
}

/** Azure's own refusal. It quotes Azure's words, never the address that was asked: that may be a secret. */
export class AzureRefusal extends Error {
  override readonly name = 'AzureRefusal'
  readonly status: number
  /** As `AuthorizationFailed`; empty where something answered that isn't Azure. */
  readonly code: string
  /** Azure asks for this pause. */
  readonly waitSeconds: number | undefined

  constructor(status: number, code: string, message: string, waitSeconds?: number) {
    super(message)
    this.status = status
    this.code = code
    this.waitSeconds = waitSeconds
  }

  /** Code and message, for the middle of a sentence. */
  get said(): string {
    const { code, message, status } = this
    return `${code === '' ? `HTTP ${status}` : code}${message === '' ? '' : `: ${message.replace(/\.$/, '')}`}`
  }
}

/** No answer, or no whole one. `sent` is false when provably nothing left. */
export class NoAzureAnswer extends Error {
  override readonly name = 'NoAzureAnswer'
  readonly sent: boolean

  constructor(sent: boolean, message: string, options?: ErrorOptions) {
    super(message, options)
    this.sent = sent
  }
}

/** A line's own error: who isn't as the site's `tls` has it says so itself, and is not asked again. @param host for people */
export function unanswered(error: unknown, host?: string): unknown {
  if (!(error instanceof Unanswered)) return error
  if (error.cause instanceof GuestliftError) return error.cause
  return new NoAzureAnswer(error.sent, host === undefined ? error.message : `${host}: ${error.message}`, {
    cause: error,
  })
}

export function fieldOf({ fields = {} }: HttpAnswer, name: string): string | undefined {
  const value = fields[name]
  return Array.isArray(value) ? value[0] : value
}

/** `Retry-After` in seconds; Azure writes no dates there. */
export function waitSecondsOf(answer: HttpAnswer): number | undefined {
  const text = fieldOf(answer, 'retry-after') ?? ''
  return /^\d{1,6}$/.test(text) ? Number(text) : undefined
}

/** What an answer is that isn't a success. */
export function refusalOf(answer: HttpAnswer): AzureRefusal | NoAzureAnswer {
  const { status, body } = answer
  const { code, message } = errorIn(parseJson(body)) ?? errorInXml(body)
  if (code === '' && status >= 500) return new NoAzureAnswer(true, `HTTP ${status}`)
  if (code === '') {
    const type = fieldOf(answer, 'content-type') ?? 'no content type'
    return new AzureRefusal(status, '', `HTTP ${status} (${type}), which is no answer of Azure`, waitSecondsOf(answer))
  }
  return new AzureRefusal(status, code, shownMessage(message), waitSecondsOf(answer))
}

/** Resource Manager: `{"error":{"code","message"}}`; Entra: `{"error","error_description"}`. */
export function errorIn(content: unknown): { code: string; message: string } | undefined {
  if (typeof content !== 'object' || content === null || !('error' in content)) return undefined
  const { error } = content
  if (typeof error === 'string') {
    const description = 'error_description' in content ? content.error_description : undefined
    return { code: error, message: typeof description === 'string' ? description : '' }
  }
  if (typeof error !== 'object' || error === null || !('code' in error) || typeof error.code !== 'string')
    return undefined
  return { code: error.code, message: 'message' in error && typeof error.message === 'string' ? error.message : '' }
}

/** Storage: `<Error><Code>…</Code><Message>…`. A web page is none. */
function errorInXml(body: string): { code: string; message: string } {
  const [, code = ''] = /^[^<]*(?:<\?xml[^>]*>)?\s*<Error>\s*<Code>(\w{1,100})<\/Code>/.exec(body) ?? []
  const [, message = ''] = /<Message>([^<]{0,1000})/.exec(body) ?? []
  return { code, message: code === '' ? '' : message }
}

/** Its first line: request ids and times follow. An address in it loses its query, which may be a signature. */
function shownMessage(message: string): string {
  const [first = ''] = message.trim().split(/[\r\n]/, 1)
  return first
    .replaceAll(/(https?:\/\/[^\s?]*)\?\S*/g, '$1?…')
    .replaceAll(/\bsig=[^&\s]*/g, 'sig=…')
    .slice(0, 600)
}

export function azureTlsFacts(site: string): TlsFacts {
  return {
    identityMismatch: (endpoint, seen, expected) => {
      const { names, fingerprint } = seen
      if (names !== undefined) {
        return new TlsIdentityMismatch(`Site ${site}: ${endpoint} ${otherNames(endpoint, names, fingerprint)}`)
      }
      return new TlsIdentityMismatch(
        `Site ${site}: ${endpoint} ${showedInstead(seen, expected)} No credential was sent. Azure's certificates are of public ` +
          'authorities: something between here and Azure shows its own. Give its authority as `tls`, or take it away.',
      )
    },
    unreadableAuthority: (cause) =>
      new InvalidSite(`Site ${site}: tls.ca can't be read as a PEM certificate.`, { cause }),
  }
}

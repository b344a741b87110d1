/** The API of one site over several endpoints: login, fail-over, repeats of reading calls, refusals as our errors. */
import type { z } from 'zod'
import { CredentialsRejected, type GuestliftError, TlsIdentityMismatch } from '../../contracts/errors.ts'
import type { ProviderDeps } from '../provider-deps.ts'
import type { ProxmoxSite } from './config.ts'
import { tlsConnector } from './connector.ts'
import type { AnswerTiming } from '../../domain/time/answer-clock.ts'
import { bareRequest, type Form, formRequest, mergeFailures, parseJson, readRefusal, whatHappened } from './answers.ts'
import { type About, refusal, unintelligible, unreachable } from './errors.ts'
import {
  type HttpAnswer,
  type HttpRequest,
  type Limits,
  openLines,
  standardLimits,
  Unanswered,
} from '../../http/api-line.ts'
import { openLine } from './exchange.ts'
import { openLogin, UnusableTicket } from './login.ts'
import { explainRefusedLogin, type Realms } from './realms.ts'
import { memoryOf } from './site-memory.ts'
import { envelopeSchema, realmRowsSchema } from './schemas.ts'

/** Connections to an endpoint for reading calls that are made at the same time: the API has three workers. */
const READ_LINES = 4
/** A reading call goes round all endpoints this often … */
const READ_ROUNDS = 4
/** … with growing pauses between the rounds … */
const FIRST_PAUSE_MS = 500
/** … and no new round after this long: functions live for minutes, and the workflow retries as well. */
const READ_PATIENCE_MS = 60_000

/** Answer of a writing call. `answered: false`: the platform may or may not have taken it. */
export type Written =
  | { answered: true; data: unknown; timing: AnswerTiming }
  | { answered: false; error: GuestliftError }

export interface Page<Data> {
  data: Data
  /** Rows there are, where the list tells. */
  total?: number
  timing: AnswerTiming
}

/** Paths start below `/api2/json` and are encoded (see api-path.ts). */
export interface ApiClient {
  /** Who we are, as the site writes it. Known for certain after the first answered call: a login tells. */
  readonly account: string
  /** For error messages: what is being done, and to what. */
  about(doing: string, details?: Partial<Pick<About, 'node' | 'guest' | 'storage'>>): About
  /** Repeated on passing faults. */
  get<Data>(path: string, schema: z.ZodType<Data>, about: About): Promise<Page<Data>>
  /** Sent once: the next endpoint is asked only when provably nothing was sent, and anew only after a 401. */
  write(method: 'POST' | 'PUT' | 'DELETE', path: string, about: About, form?: Form): Promise<Written>
  /** Of the last good answer, to whatever it was. */
  lastTiming(): AnswerTiming | undefined
  close(): Promise<void>
}

type Outcome<Data> =
  | { ok: true; page: Page<Data> }
  | { ok: false; error: GuestliftError; nothingDone: boolean; elsewhere: boolean; status?: number }

type HeadersFor = () => Promise<Record<string, string>>
/** The login itself goes without any. */
const noHeaders: HeadersFor = () => Promise.resolve({})

interface Call<Data> {
  request: HttpRequest
  about: About
  read(data: unknown): { data: Data } | { complaint: string }
}

function readingCall<Data>(path: string, schema: z.ZodType<Data>, about: About): Call<Data> {
  return {
    request: bareRequest('GET', path),
    about,
    read(data) {
      const parsed = schema.safeParse(data)
      if (parsed.success) return { data: parsed.data }
      const [issue] = parsed.error.issues
      return { complaint: `${issue?.path.join('.') || 'data'}: ${issue?.message ?? 'unexpected'}` }
    },
  }
}

export function openClient(
  siteName: string,
  site: ProxmoxSite,
  deps: ProviderDeps,
  limits: Limits = standardLimits,
): ApiClient {
  const connector = tlsConnector(site.tls, siteName, limits.connectTimeoutMs)
  const readLines = site.endpoints.map((endpoint) => openLines(READ_LINES, () => openLine(endpoint, connector, limits)))
  /** The endpoint that answered last is asked first. */
  const memory = memoryOf(site)
  let lastTiming: AnswerTiming | undefined

  const login = openLogin(site, siteName, deps, memory, async (form) => {
    const request = formRequest('POST', '/access/ticket', form)
    try {
      return (await readCall({ request, about: describe('log in'), read: (data) => ({ data }) }, noHeaders)).data
    } catch (error) {
      if (!(error instanceof CredentialsRejected) || !('realm' in site.auth)) throw error
      // In a login's later steps the realm is known to be right.
      if (form['password'] !== site.auth.password) throw error
      throw explainRefusedLogin(error, site.auth.realm, await realms())
    }
  })

  /** One look at each endpoint, without a login; empty when it yields nothing. */
  async function realms(): Promise<Realms> {
    const about = describe('list the realms')
    for (const index of order()) {
      const outcome = await attempt(index, readingCall('/access/domains', realmRowsSchema, about), {})
      if (outcome.ok) return outcome.page.data
    }
    return []
  }

  function describe(doing: string, details: Partial<Pick<About, 'node' | 'guest' | 'storage'>> = {}): About {
    return { site: siteName, account: login.account, doing, ...details }
  }

  function redact(text: string): string {
    return login
      .secrets()
      .filter((secret) => secret.length >= 4)
      .flatMap((secret) => [secret, encodeURIComponent(secret)])
      .reduce((clean, secret) => clean.replaceAll(secret, '***'), text)
  }

  /** One request to one endpoint. Reading calls share connections; a writing call has its own, so that a failure to connect proves that nothing was sent. */
  async function attempt<Data>(
    index: number,
    call: Call<Data>,
    headers: Record<string, string>,
  ): Promise<Outcome<Data>> {
    const endpoint = site.endpoints[index] ?? ''
    const own = call.request.method !== 'GET'
    const line = (own ? undefined : readLines[index]) ?? openLine(endpoint, connector, limits)
    try {
      const request = { ...call.request, headers: { accept: 'application/json', ...call.request.headers, ...headers } }
      const askedAt = deps.now()
      const answer = await line.request(request)
      const { date } = answer
      const timing = { askedAt, answeredAt: deps.now(), ...(date === undefined ? {} : { date }) }
      return interpret(answer, timing, endpoint, call)
    } catch (error) {
      if (!(error instanceof Unanswered)) throw error
      if (error.cause instanceof TlsIdentityMismatch) throw error.cause
      const failure = unreachable(endpoint, redact(whatHappened(error)), call.about, error.cause)
      return { ok: false, error: failure, nothingDone: !error.sent, elsewhere: !error.sent }
    } finally {
      if (own) await line.close()
    }
  }

  function interpret<Data>(
    answer: HttpAnswer,
    timing: AnswerTiming,
    endpoint: string,
    call: Call<Data>,
  ): Outcome<Data> {
    if (answer.status !== 200) {
      const refused = refusal(readRefusal(answer, redact), call.about)
      return { ok: false, ...refused, elsewhere: false, status: answer.status }
    }
    const unusable = (complaint: string): Outcome<Data> => ({
      ok: false,
      error: unintelligible(endpoint, redact(complaint), call.about),
      nothingDone: false,
      elsewhere: false,
    })
    const envelope = envelopeSchema.safeParse(parseJson(answer.body))
    if (!envelope.success || envelope.data.data === undefined) return unusable('no JSON with "data" in it')
    const read = call.read(envelope.data.data)
    if ('complaint' in read) return unusable(read.complaint)
    const { total } = envelope.data
    lastTiming = timing
    return { ok: true, page: { data: read.data, timing, ...(total === undefined ? {} : { total }) } }
  }

  /** With a login; after a 401 the ticket is renewed once. A 401 is given before the call is looked at, so writing calls are safe too. */
  async function authorised<Data>(index: number, call: Call<Data>, headersFor: HeadersFor): Promise<Outcome<Data>> {
    const headers = await headersFor()
    const outcome = await attempt(index, call, headers)
    if (outcome.ok || outcome.status !== 401 || headersFor === noHeaders || !login.renew(headers)) return outcome
    deps.log('platform-login-renewed', { site: siteName, account: login.account })
    return attempt(index, call, await headersFor())
  }

  async function readCall<Data>(call: Call<Data>, headersFor: HeadersFor): Promise<Page<Data>> {
    const startedAt = deps.now().getTime()
    for (let round = 1; ; round += 1) {
      const errors: GuestliftError[] = []
      for (const index of order()) {
        const outcome = await authorised(index, call, headersFor)
        if (outcome.ok) {
          memory.preferred = index
          return outcome.page
        }
        if (outcome.error.group !== 'retry') throw outcome.error
        errors.push(outcome.error)
      }
      const error = mergeFailures(errors)
      if (round === READ_ROUNDS || deps.now().getTime() - startedAt > READ_PATIENCE_MS) throw error
      deps.log('platform-call-repeated', { site: siteName, doing: call.about.doing, round, reason: error.message })
      await deps.sleep(FIRST_PAUSE_MS * 2 ** (round - 1))
    }
  }

  function order(): number[] {
    return site.endpoints.map((_, offset) => (memory.preferred + offset) % site.endpoints.length)
  }

  const loginHeaders = (writing: boolean) => async (): Promise<Record<string, string>> => {
    try {
      return await login.headers(writing)
    } catch (error) {
      if (!(error instanceof UnusableTicket)) throw error
      throw unintelligible(site.endpoints[memory.preferred] ?? '', 'the login gave no ticket', describe('log in'))
    }
  }

  return {
    get account() {
      return login.account
    },
    about: describe,
    get: (path, schema, about) => readCall(readingCall(path, schema, about), loginHeaders(false)),
    async write(method, path, about, form) {
      const request = form === undefined ? bareRequest(method, path) : formRequest(method, path, form)
      const call: Call<unknown> = { request, about, read: (data) => ({ data }) }
      const errors: GuestliftError[] = []
      for (const index of order()) {
        const outcome = await authorised(index, call, loginHeaders(true))
        if (outcome.ok) {
          memory.preferred = index
          return { answered: true, data: outcome.page.data, timing: outcome.page.timing }
        }
        if (!outcome.nothingDone) return { answered: false, error: outcome.error }
        if (!outcome.elsewhere) throw outcome.error
        errors.push(outcome.error)
      }
      throw mergeFailures(errors)
    },
    lastTiming: () => lastTiming,
    close: async () => {
      await Promise.all(readLines.map((line) => line.close()))
    },
  }
}

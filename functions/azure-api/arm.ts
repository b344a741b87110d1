/** Calls of Azure Resource Manager for one site: passing faults of reading calls are waited out, tokens got anew. */
import * as z from 'zod'
import type { AzureAccess } from '../contracts/azure-access.ts'
import type { AnswerTiming } from '../domain/time/answer-clock.ts'
import { parseJson } from '../domain/words/parse-json.ts'
import type { HttpAnswer, HttpRequest, Line } from '../http/api-line.ts'
import { awsAssertion } from './aws-assertion.ts'
import {
  type AzureDeps,
  AzureRefusal,
  fieldOf,
  NoAzureAnswer,
  openAzureLine,
  type Operation,
  refusalOf,
  unanswered,
  waitSecondsOf,
} from './azure-line.ts'
import { EntraToken } from './entra-token.ts'
import { azureFact } from './errors.ts'
import { hostsOf } from './hosts.ts'

/** Of the two providers, as Microsoft's client 24.1.0 asks for them. */
export const COMPUTE = '2026-03-01'
export const DISKS = '2025-01-02'

/** Reading calls: waits of 1, 2, 4 and 8 s, each up to half as long again, or what Azure asks for. */
const TRIES = 5
const FIRST_WAIT_MILLISECONDS = 1_000
/** A throttle that lasts longer than this is the caller's. */
const LONGEST_WAIT_SECONDS = 60
/** A list without an end is none of Azure. */
const MOST_PAGES = 10_000

export interface ArmCall {
  method: HttpRequest['method']
  /** From `/subscriptions/` on. */
  path: string
  version: string
  query?: Readonly<Record<string, string>>
  body?: object
}

const pageSchema = z.object({ value: z.array(z.unknown()), nextLink: z.string().nullish() })

export class Arm {
  readonly #site: string
  readonly #origin: string
  readonly #deps: AzureDeps
  readonly #line: Line
  readonly #loginLine: Line
  readonly #token: EntraToken
  #lastTiming: AnswerTiming | undefined

  constructor(site: string, access: AzureAccess, deps: AzureDeps) {
    const hosts = hostsOf(access)
    this.#site = site
    this.#origin = new URL(hosts.management).origin
    this.#deps = deps
    this.#line = openAzureLine(site, hosts.management, access.tls, deps.limits)
    this.#loginLine = openAzureLine(site, hosts.login, access.tls, deps.limits)
    const assertion = () => awsAssertion(site, access, deps.now)
    this.#token = new EntraToken({ site, access, hosts, line: this.#loginLine, now: deps.now, assertion })
  }

  /** Of the last answer of all, for the clock that it shows. */
  lastTiming(): AnswerTiming | undefined {
    return this.#lastTiming
  }

  /**
   * What changes nothing, in the shape of `schema`: repeated on passing faults.
   * @throws AzureRefusal, NoAzureAnswer, CredentialsRejected, PlatformUnavailable
   */
  async read<Schema extends z.ZodType>(call: Omit<ArmCall, 'method'>, schema: Schema): Promise<z.output<Schema>> {
    const answer = await this.#repeated(() => this.#askOnce({ ...call, method: 'GET' }))
    return checked(answer, schema, call.path)
  }

  /** The same, `undefined` for what isn't there. */
  async find<Schema extends z.ZodType>(
    call: Omit<ArmCall, 'method'>,
    schema: Schema,
  ): Promise<z.output<Schema> | undefined> {
    try {
      return await this.read(call, schema)
    } catch (error) {
      if (isGone(error)) return undefined
      throw error
    }
  }

  /** All pages of a list. */
  async all<Schema extends z.ZodType>(call: Omit<ArmCall, 'method'>, item: Schema): Promise<z.output<Schema>[]> {
    const found: z.output<Schema>[] = []
    let at = pathOf({ ...call, method: 'GET' })
    for (let pages = 0; pages < MOST_PAGES; pages += 1) {
      const from = at
      const answer = await this.#repeated(() => this.#ask('GET', from))
      const page = checked(answer, pageSchema, call.path)
      found.push(...page.value.map((one) => checkedContent(one, item, call.path)))
      if (page.nextLink == null || page.nextLink === '') return found
      at = this.#ownPath(page.nextLink)
    }
    throw new NoAzureAnswer(true, `the list ${call.path} has no end`)
  }

  /**
   * What changes something: sent once. Only a short throttle, which proves that nothing was done, is waited out.
   * @throws AzureRefusal for what the caller tells apart, NoAzureAnswer where it may have been done
   */
  async write(call: ArmCall): Promise<{ content: unknown; operation: Operation | undefined }> {
    for (let tries = 1; ; tries += 1) {
      try {
        const answer = await this.#askOnce(call)
        return { content: parseJson(answer.body), operation: this.#operationOf(answer) }
      } catch (error) {
        const waits = error instanceof AzureRefusal && error.status === 429 ? error.waitSeconds : undefined
        if (waits === undefined || waits > LONGEST_WAIT_SECONDS || tries === TRIES) throw error
        await this.#deps.sleep(Math.max(1, waits) * 1000)
      }
    }
  }

  /** What an address of a running operation says now. @throws AzureRefusal, NoAzureAnswer */
  async poll(path: string): Promise<{ status: number; content: unknown; waitSeconds: number | undefined }> {
    const answer = await this.#repeated(() => this.#ask('GET', path))
    return { status: answer.status, content: parseJson(answer.body), waitSeconds: waitSecondsOf(answer) }
  }

  /** The fact of an error that a call threw. @param action for people: `reading the virtual machine` */
  fact(error: unknown, where: string, action: string): unknown {
    return azureFact(error, `Site ${this.#site}${where === '' ? '' : `, ${where}`}`, action)
  }

  async close(): Promise<void> {
    await Promise.all([this.#line.close(), this.#loginLine.close()])
  }

  async #repeated<Result>(ask: () => Promise<Result>): Promise<Result> {
    const { sleep, random = Math.random } = this.#deps
    for (let tries = 1; ; tries += 1) {
      try {
        return await ask()
      } catch (error) {
        const seconds = error instanceof AzureRefusal ? error.waitSeconds : undefined
        const passing =
          error instanceof NoAzureAnswer ||
          (error instanceof AzureRefusal && (error.status === 429 || error.status >= 500))
        if (!passing || tries === TRIES || (seconds ?? 0) > LONGEST_WAIT_SECONDS) throw error
        const usual = FIRST_WAIT_MILLISECONDS * 2 ** (tries - 1) * (1 + random() / 2)
        await sleep(Math.max(usual, (seconds ?? 0) * 1000))
      }
    }
  }

  /** A refused call did nothing: with a new token it is asked again, once. */
  async #askOnce(call: ArmCall): Promise<HttpAnswer> {
    return this.#ask(call.method, pathOf(call), call.body)
  }

  async #ask(method: HttpRequest['method'], path: string, body?: object): Promise<HttpAnswer> {
    try {
      return await this.#send(method, path, body)
    } catch (error) {
      if (!(error instanceof AzureRefusal) || error.status !== 401) throw error
      this.#token.forget()
      return this.#send(method, path, body)
    }
  }

  async #send(method: HttpRequest['method'], path: string, body: object | undefined): Promise<HttpAnswer> {
    const token = await this.#token.get()
    const askedAt = this.#deps.now()
    const headers = {
      accept: 'application/json',
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    }
    let answer: HttpAnswer
    try {
      answer = await this.#line.request({
        method,
        path,
        headers,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
    } catch (error) {
      throw unanswered(error)
    }
    const { date } = answer
    this.#lastTiming = { askedAt, answeredAt: this.#deps.now(), ...(date === undefined ? {} : { date }) }
    if (answer.status >= 200 && answer.status < 300) return answer
    throw refusalOf(answer)
  }

  #operationOf(answer: HttpAnswer): Operation | undefined {
    const [status, result] = [fieldOf(answer, 'azure-asyncoperation'), fieldOf(answer, 'location')]
    if (status === undefined && result === undefined) return undefined
    return {
      ...(status === undefined ? {} : { statusPath: this.#ownPath(status) }),
      ...(result === undefined ? {} : { resultPath: this.#ownPath(result) }),
      waitSeconds: waitSecondsOf(answer),
    }
  }

  /** Our token goes to Resource Manager alone. @throws NoAzureAnswer */
  #ownPath(link: string): string {
    const url = URL.canParse(link, this.#origin) ? new URL(link, this.#origin) : undefined
    if (url?.origin === this.#origin) return `${url.pathname}${url.search}`
    throw new NoAzureAnswer(true, 'the answer names another host to go on at, which gets no token of ours')
  }
}

/** What was asked for isn't there. */
export function isGone(error: unknown): boolean {
  return error instanceof AzureRefusal && error.status === 404 && error.code !== ''
}

function pathOf({ path, version, query = {} }: ArmCall): string {
  const asked = new URLSearchParams({ ...query, 'api-version': version })
  return `${path}?${asked.toString()}`
}

function checked<Schema extends z.ZodType>(answer: HttpAnswer, schema: Schema, path: string): z.output<Schema> {
  return checkedContent(parseJson(answer.body), schema, path)
}

/** @throws NoAzureAnswer: a web page with status 200 is no answer of Azure */
function checkedContent<Schema extends z.ZodType>(content: unknown, schema: Schema, path: string): z.output<Schema> {
  const read = schema.safeParse(content)
  if (read.success) return read.data
  const places = read.error.issues.slice(0, 3).map(({ path: at, message }) => `${at.join('.')}: ${message}`)
  throw new NoAzureAnswer(true, `the answer to ${path} isn't as Azure documents it (${places.join('; ')})`)
}

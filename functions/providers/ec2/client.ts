/** Calls of EC2 and STS: keys that end are got anew, passing faults of reading calls are waited out, answers are checked. */
import type * as z from 'zod'
import { type Answer, AwsCalls, NoAnswer } from '../../aws-api/aws-call.ts'
import { AwsCredentials } from '../../aws-api/credentials.ts'
import { AwsRefusal, query, type QueryInput } from '../../aws-api/query.ts'
import type { AwsAccess } from '../../contracts/aws-access.ts'
import { GuestliftError, PlatformUnavailable, RequestRejected } from '../../contracts/errors.ts'
import type { AnswerTiming } from '../../domain/time/answer-clock.ts'
import type { ProviderDeps } from '../provider-deps.ts'
import { factOf, hasExpired, isPassing, isThrottled, unansweredFact } from './errors.ts'

/** Reading calls: waits of 1, 2, 4, 8 and 16 s, each up to half as long again. */
const TRIES = 6
const FIRST_WAIT_MILLISECONDS = 1_000
/** Two regions at a time, each with some calls. */
const CONNECTIONS = 8
/** EC2's most for a page (`MaxResults`). */
const PAGE = 1_000
/** A list without an end is none of AWS. */
const MOST_PAGES = 10_000

export interface Call {
  service?: 'ec2' | 'sts'
  region: string
  action: string
  input: QueryInput
}

export class Ec2Client {
  readonly #site: string
  readonly #access: AwsAccess
  readonly #deps: ProviderDeps
  readonly #calls: AwsCalls
  readonly #credentials: AwsCredentials
  readonly #random: () => number
  #lastAnswer: Answer | undefined

  constructor(site: string, access: AwsAccess, deps: ProviderDeps, random: () => number = Math.random) {
    this.#site = site
    this.#access = access
    this.#deps = deps
    this.#random = random
    this.#calls = new AwsCalls(deps.now, CONNECTIONS)
    this.#credentials = new AwsCredentials(site, access, { calls: this.#calls, now: deps.now })
  }

  /** Of the last answer of all, for the clock that it shows. */
  lastTiming(): AnswerTiming | undefined {
    if (this.#lastAnswer === undefined) return undefined
    const { askedAt, answeredAt, headers } = this.#lastAnswer
    const { date } = headers
    return { askedAt, answeredAt, ...(date === undefined ? {} : { date }) }
  }

  /**
   * A call that changes nothing: repeated on passing faults.
   * @throws CredentialsRejected, PrivilegeMissing, PlatformUnavailable, GuestNotFound, RequestRejected
   */
  async read<Schema extends z.ZodType>(call: Call, schema: Schema): Promise<z.output<Schema>> {
    for (let tries = 1; ; tries += 1) {
      try {
        return this.#checked(call, await this.#ask(call), schema)
      } catch (error) {
        const passing = error instanceof NoAnswer || (error instanceof AwsRefusal && isPassing(error))
        if (!passing || tries === TRIES) throw this.#fact(error, call)
        const wait = FIRST_WAIT_MILLISECONDS * 2 ** (tries - 1) * (1 + this.#random() / 2)
        const why = error instanceof AwsRefusal ? error.code : error.message
        this.#deps.log('ec2-call-repeated', { site: this.#site, region: call.region, action: call.action, why })
        await this.#deps.sleep(wait)
      }
    }
  }

  /** All pages of a list. @param items what a page's content holds */
  async all<Schema extends z.ZodType<{ nextToken?: string | undefined }>, Item>(
    call: Call,
    schema: Schema,
    items: (page: z.output<Schema>) => Item[],
  ): Promise<Item[]> {
    const found: Item[] = []
    let token: string | undefined
    for (let pages = 0; pages < MOST_PAGES; pages += 1) {
      const input = { ...call.input, MaxResults: PAGE, ...(token === undefined ? {} : { NextToken: token }) }
      const page = await this.read({ ...call, input }, schema)
      found.push(...items(page))
      // The last page has none, or an empty one.
      if (page.nextToken === undefined || page.nextToken === '') return found
      token = page.nextToken
    }
    throw new PlatformUnavailable(`${this.#where(call)}: the list of ${call.action} has no end.`)
  }

  /**
   * A call that changes something: sent once. Only a throttle, which proves that nothing was done, is waited out.
   * @throws AwsRefusal for what the caller tells apart, NoAnswer where it may have been done
   */
  async write<Schema extends z.ZodType>(call: Call, schema: Schema): Promise<z.output<Schema>> {
    for (let tries = 1; ; tries += 1) {
      try {
        return this.#checked(call, await this.#ask(call), schema)
      } catch (error) {
        if (!(error instanceof AwsRefusal && isThrottled(error)) || tries === TRIES) throw error
        await this.#deps.sleep(FIRST_WAIT_MILLISECONDS * 2 ** (tries - 1) * (1 + this.#random() / 2))
      }
    }
  }

  /** The fact of an error that a write threw. */
  fact(error: unknown, call: Call): unknown {
    return this.#fact(error, call)
  }

  close(): void {
    this.#calls.close()
  }

  async #ask(call: Call): Promise<unknown> {
    try {
      return await this.#askOnce(call)
    } catch (error) {
      if (!hasExpired(error)) throw error
      // A refused call did nothing: the role is assumed again, once.
      this.#credentials.forget()
      return this.#askOnce(call)
    }
  }

  async #askOnce({ service = 'ec2', region, action, input }: Call): Promise<unknown> {
    const key = await this.#credentials.key()
    const surroundings = { calls: this.#calls, access: this.#access, key }
    const { content, answer } = await query({ service, region, action, input }, surroundings)
    this.#lastAnswer = answer
    return content
  }

  #checked<Schema extends z.ZodType>(call: Call, content: unknown, schema: Schema): z.output<Schema> {
    const read = schema.safeParse(content)
    if (read.success) return read.data
    const places = read.error.issues.slice(0, 3).map(({ path, message }) => `${path.join('.')}: ${message}`)
    throw new RequestRejected(
      `${this.#where(call)}: the answer to ${call.action} isn't as EC2 documents it (${places.join('; ')}). ` +
        'Check `endpoints`; if it is AWS, a newer version of Guestlift may know it.',
    )
  }

  #fact(error: unknown, call: Call): unknown {
    if (error instanceof GuestliftError) return error
    if (error instanceof AwsRefusal) return factOf(error, this.#where(call), `${call.service ?? 'ec2'}:${call.action}`)
    if (error instanceof NoAnswer) return unansweredFact(this.#where(call), call.action, error)
    return error
  }

  #where({ region }: Call): string {
    return `Site ${this.#site}, region ${region}`
  }
}

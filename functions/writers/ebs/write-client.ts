/** Signed calls of EBS direct for one site, over kept connections: what passes is waited out. */
import { type Answer, AwsCalls, NoAnswer, type SignedCall } from '../../aws-api/aws-call.ts'
import { AwsCredentials } from '../../aws-api/credentials.ts'
import { isThrottle, refusalOf } from '../../aws-api/ebs-refusal.ts'
import { endpointOf } from '../../aws-api/endpoints.ts'
import { AwsRefusal } from '../../aws-api/query.ts'
import type { EbsAccess } from '../../contracts/aws-access.ts'
import { ConnectionDropped, GuestliftError } from '../../contracts/errors.ts'
import { isMissing, writeFact } from './ebs-facts.ts'

/** One connection takes about 5 MiB/s at 100 ms a block. */
export const CONNECTIONS = 32
/** Waits of 1, 2, 4 … 30 s, each up to half as long again. */
const THROTTLE_TRIES = 9
const LONGEST_WAIT_MILLISECONDS = 30_000
const FAULT_TRIES = 3
/** A minute, for a snapshot that was begun just now. */
const MISSING_TRIES = 6
const FIRST_WAIT_MILLISECONDS = 1_000

export interface EbsWriteDeps {
  now: () => Date
  sleep: (milliseconds: number, signal?: AbortSignal) => Promise<void>
  random: () => number
}

/** A call that may be repeated. */
export interface WriteCall extends Pick<SignedCall, 'region' | 'method' | 'headers' | 'body'> {
  action: string
  /** From the root, with its query. */
  path: string
  /** The site's words for what it is about. */
  where: string
}

export class EbsWriteClient {
  readonly #access: EbsAccess
  readonly #deps: EbsWriteDeps
  readonly #calls: AwsCalls
  readonly #credentials: AwsCredentials

  constructor(site: string, access: EbsAccess, deps: EbsWriteDeps) {
    this.#access = access
    this.#deps = deps
    this.#calls = new AwsCalls(deps.now, CONNECTIONS)
    this.#credentials = new AwsCredentials(site, access, { calls: this.#calls, now: deps.now })
  }

  /** @throws AwsRefusal for what lasts, ConnectionDropped, facts of logging in, the signal's reason */
  async ask(call: WriteCall, signal?: AbortSignal): Promise<Answer> {
    let [throttles, faults, missing, expired] = [0, 0, 0, false]
    for (;;) {
      try {
        return await this.#askOnce(call, signal)
      } catch (error) {
        signal?.throwIfAborted()
        if (error instanceof AwsRefusal && error.code.startsWith('ExpiredToken') && !expired) {
          expired = true
          this.#credentials.forget()
        } else if (error instanceof AwsRefusal && isThrottle(error) && throttles < THROTTLE_TRIES) {
          await this.#wait(throttles++, signal)
        } else if (error instanceof AwsRefusal && isMissing(error) && missing < MISSING_TRIES) {
          await this.#wait(missing++, signal)
        } else if (error instanceof NoAnswer && faults < FAULT_TRIES) {
          await this.#wait(faults++, signal)
        } else throw unanswered(error, call)
      }
    }
  }

  /** The fact of what `ask` threw. */
  fact(error: unknown, { where, action }: Pick<WriteCall, 'where' | 'action'>): unknown {
    return error instanceof AwsRefusal ? writeFact(error, where, action) : error
  }

  close(): void {
    this.#calls.close()
  }

  async #askOnce({ region, method, path, headers, body }: WriteCall, signal: AbortSignal | undefined): Promise<Answer> {
    const key = await this.#credentials.key()
    const url = new URL(path, endpointOf('ebs', region, this.#access))
    const told = { ...(headers === undefined ? {} : { headers }), ...(body === undefined ? {} : { body }) }
    const answer = await this.#calls.send({ service: 'ebs', region, method, url, ...told }, key, signal)
    if (answer.status >= 200 && answer.status < 300) return answer
    throw refusalOf(answer, undefined)
  }

  #wait(tries: number, signal: AbortSignal | undefined): Promise<void> {
    const least = Math.min(LONGEST_WAIT_MILLISECONDS, FIRST_WAIT_MILLISECONDS * 2 ** tries)
    return this.#deps.sleep(least * (1 + this.#deps.random() / 2), signal)
  }
}

function unanswered(error: unknown, { where, action }: WriteCall): unknown {
  if (error instanceof GuestliftError || !(error instanceof NoAnswer)) return error
  return new ConnectionDropped(`${where}: ${action} got no answer (${error.message}).`, { cause: error })
}

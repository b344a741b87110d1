/** Signed calls of EBS direct for one site, over kept connections: what passes is waited out. */
import type { EbsAccess } from '../contracts/aws-access.ts'
import { ConnectionDropped } from '../contracts/errors.ts'
import { type Answer, AwsCalls, NoAnswer, type SignedCall } from './aws-call.ts'
import { AwsCredentials } from './credentials.ts'
import { isThrottle, refusalOf } from './ebs-refusal.ts'
import { endpointOf } from './endpoints.ts'
import { AwsRefusal } from './query.ts'

/** One connection carries about 5 MiB/s at 100 ms a block: so many fill a function's share of the line. */
const CONNECTIONS = 32
/** Waits of 1, 2, 4 … 30 s, each up to half as long again: what throttles an account passes within minutes. */
const THROTTLE_TRIES = 9
const LONGEST_WAIT_MILLISECONDS = 30_000
/** Silence, or a fault of the service: what lasts longer is the caller's. */
const FAULT_TRIES = 3
/** A minute, for what passes by what the caller knows of it. */
const KNOWN_TRIES = 6
const FIRST_WAIT_MILLISECONDS = 1_000

export interface EbsDeps {
  now: () => Date
  sleep: (milliseconds: number, signal?: AbortSignal) => Promise<void>
  random: () => number
}

/** A call that may be repeated. */
export interface EbsCall extends Pick<SignedCall, 'region' | 'method' | 'headers' | 'body' | 'target'> {
  action: string
  /** From the root, with its query. */
  path: string
  /** The site's words for what it is about. */
  where: string
}

export class EbsCalls {
  readonly #access: EbsAccess
  readonly #deps: EbsDeps
  readonly #calls: AwsCalls
  readonly #credentials: AwsCredentials

  constructor(site: string, access: EbsAccess, deps: EbsDeps) {
    this.#access = access
    this.#deps = deps
    this.#calls = new AwsCalls(deps.now, CONNECTIONS)
    this.#credentials = new AwsCredentials(site, access, { calls: this.#calls, now: deps.now })
  }

  /**
   * @param passes refusals that are waited out for a minute besides throttles
   * @throws AwsRefusal for what lasts, ConnectionDropped, facts of logging in, the signal's reason
   */
  async ask(
    call: EbsCall,
    signal?: AbortSignal,
    passes: (refusal: AwsRefusal) => boolean = () => false,
  ): Promise<Answer> {
    let [throttles, faults, known, expired] = [0, 0, 0, false]
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
        } else if (error instanceof AwsRefusal && passes(error) && known < KNOWN_TRIES) {
          await this.#wait(known++, signal)
        } else if (error instanceof NoAnswer && faults < FAULT_TRIES) {
          await this.#wait(faults++, signal)
        } else throw unanswered(error, call)
      }
    }
  }

  close(): void {
    this.#calls.close()
  }

  async #askOnce(call: EbsCall, signal: AbortSignal | undefined): Promise<Answer> {
    const { region, method, path, headers, body, target } = call
    const key = await this.#credentials.key()
    const url = new URL(path, endpointOf('ebs', region, this.#access))
    const given = { ...(headers === undefined ? {} : { headers }), ...(body === undefined ? {} : { body }), target }
    const answer = await this.#calls.send({ service: 'ebs', region, method, url, ...given }, key, signal)
    if (answer.status >= 200 && answer.status < 300) return answer
    throw refusalOf(answer, target)
  }

  #wait(tries: number, signal: AbortSignal | undefined): Promise<void> {
    const least = Math.min(LONGEST_WAIT_MILLISECONDS, FIRST_WAIT_MILLISECONDS * 2 ** tries)
    return this.#deps.sleep(least * (1 + this.#deps.random() / 2), signal)
  }
}

function unanswered(error: unknown, { where, action }: EbsCall): unknown {
  if (!(error instanceof NoAnswer)) return error
  return new ConnectionDropped(`${where}: ${action} got no answer (${error.message}).`, { cause: error })
}

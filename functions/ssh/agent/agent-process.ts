import type { ClientChannel } from 'ssh2'
import { ConnectionDropped, type GuestliftError } from '../../contracts/errors.ts'
import { type AgentFailure, type Answer, parseAgentLine, type Requests, type Verb } from './agent-answers.ts'
import { type NodeContext, quoted, startFact } from './agent-facts.ts'
import type { AgentTiming } from './agent-program.ts'
import type { SshConnection } from '../ssh-connection.ts'

/** The agent's refusal of one request. It goes on living. */
export class AgentRefusal extends Error {
  override readonly name = 'AgentRefusal'
  readonly failure: AgentFailure

  constructor(failure: AgentFailure) {
    super(failure.text)
    this.failure = failure
  }
}

export interface ProcessSettings extends AgentTiming {
  /** The program to run, which says how often it speaks. */
  program(timing: AgentTiming): string
  /** How long the agent may be silent: several times `speakSeconds`. */
  idleMilliseconds: number
  /** How often the agent is told that somebody is still there: several times within `unheardSeconds`. */
  heartbeatMilliseconds: number
}

const GREETING = 'guestlift-agent 1\n'
/** What login scripts may print before the agent greets. */
const MOST_PREAMBLE_BYTES = 64 * 1024
/** Larger than any line of the agent's: 8 KiB of an answer's body, every byte of it escaped, and headers. */
const MOST_LINE_BYTES = 256 * 1024
const MOST_COMPLAINT_BYTES = 4 * 1024

/**
 * Reads as many bytes of Perl from standard input as the program has, and runs them. Nothing of it is secret, for anyone
 * on the node can read a command line. It holds no character that a login shell would read in its own way.
 */
function bootstrap(programBytes: number): string {
  const rest = `${programBytes}-length($p)`
  return `exec perl -e '$p="";while(${rest}>0){sysread(STDIN,$p,${rest},length($p))or exit(1)}eval($p);print(STDERR $@);exit(1)'`
}

interface Pending {
  verb: Verb
  target: Buffer | undefined
  filledBytes: number
  resolve(answer: Answer<Verb>): void
  reject(reason: unknown): void
}

/** One agent on the node, doing one thing at a time. It ends with its channel. */
export class AgentProcess {
  readonly #channel: ClientChannel
  readonly #context: NodeContext
  readonly #settings: ProcessSettings
  readonly #greeted = Promise.withResolvers<void>()
  readonly #heartbeat: NodeJS.Timeout
  readonly #silence: NodeJS.Timeout
  #alive = false
  #failure: GuestliftError | undefined
  #pending: Pending | undefined
  /** Text that isn't a whole line yet. Copied: the connection uses its buffers again. */
  #text = ''
  #dataLeft = 0
  #complaint = ''
  #exit: { code: number | undefined } | undefined

  /** Start one. @throws the context's fact when the account can't run it, ConnectionDropped, ChannelRefused */
  static async start(
    connection: SshConnection,
    context: NodeContext,
    settings: ProcessSettings,
  ): Promise<AgentProcess> {
    const { promise, resolve, reject } = Promise.withResolvers<AgentProcess>()
    const program = Buffer.from(settings.program(settings), 'latin1')
    connection.client.exec(bootstrap(program.length), (error, channel) => {
      if (error === undefined) resolve(new AgentProcess(channel, program, context, settings))
      else reject(new ChannelRefused(error.message, { cause: error }))
    })
    const agent = await promise
    await agent.#greeted.promise
    return agent
  }

  private constructor(channel: ClientChannel, program: Buffer, context: NodeContext, settings: ProcessSettings) {
    this.#channel = channel
    this.#context = context
    this.#settings = settings
    this.#silence = setTimeout(() => this.#onSilence(), settings.idleMilliseconds).unref()
    this.#heartbeat = setInterval(() => channel.write('\n'), settings.heartbeatMilliseconds).unref()
    // All of these before anything can arrive.
    channel.on('data', (chunk: Buffer) => this.#receive(chunk))
    channel.stderr.on('data', (chunk: Buffer) => {
      if (this.#complaint.length < MOST_COMPLAINT_BYTES) this.#complaint += chunk.toString('latin1')
    })
    channel.on('exit', (code: number | null) => {
      this.#exit = { code: code ?? undefined }
    })
    channel.on('error', (error: Error) => this.end(this.#dropped(error.message)))
    channel.on('close', () => this.#onClose())
    this.#greeted.promise.catch(() => undefined)
    channel.write(program)
  }

  /** False once it has ended or was ended. */
  get usable(): boolean {
    return this.#failure === undefined
  }

  /**
   * Ask for one thing. For `read`, `target` is filled. An abort ends the whole process: there is no other way to stop
   * what it is at.
   * @throws AgentRefusal, ConnectionDropped, the signal's reason
   */
  async ask<V extends Verb>(
    verb: V,
    request: Requests[V],
    { target, signal }: { target?: Buffer; signal?: AbortSignal | undefined } = {},
  ): Promise<Answer<V>> {
    signal?.throwIfAborted()
    if (this.#failure !== undefined) throw this.#failure
    const { promise, resolve, reject } = Promise.withResolvers<Answer<V>>()
    // The answer is parsed for the verb that was asked, which is this one.
    this.#pending = { verb, target, filledBytes: 0, resolve: (answer) => resolve(answer as Answer<V>), reject }
    const onAbort = (): void => {
      this.#pending = undefined
      reject(signal?.reason)
      this.end(this.#dropped('what it was asked for was called off'))
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    this.#silence.refresh()
    this.#channel.write(`${JSON.stringify({ do: verb, ...request })}\n`)
    try {
      return await promise
    } finally {
      signal?.removeEventListener('abort', onAbort)
    }
  }

  /** End the process on the node, and what is asked of it with `reason`. */
  end(reason: GuestliftError): void {
    if (this.#failure !== undefined) return
    this.#failure = reason
    clearTimeout(this.#silence)
    clearInterval(this.#heartbeat)
    this.#greeted.reject(reason)
    this.#pending?.reject(reason)
    this.#pending = undefined
    // Closing takes the agent's standard input away, and that ends it.
    this.#channel.close()
  }

  #dropped(why: string): ConnectionDropped {
    return new ConnectionDropped(`the agent on the node behind ${this.#context.where}: ${why}`)
  }

  #onClose(): void {
    if (this.#alive) {
      const words = quoted(this.#complaint)
      this.end(this.#dropped(`it ended${words === '' ? '' : `, saying: ${words}`}`))
    } else if (this.#exit === undefined) {
      this.end(this.#dropped('its session was closed before it began'))
    } else {
      this.end(startFact(this.#context, { text: `${this.#complaint} ${this.#text}`, exitCode: this.#exit.code }))
    }
  }

  #onSilence(): void {
    if (!this.#alive || this.#pending !== undefined) {
      this.end(this.#dropped(`it said nothing for ${this.#settings.idleMilliseconds / 1000} s`))
    } else this.#silence.refresh()
  }

  #receive(chunk: Buffer): void {
    this.#silence.refresh()
    let at = 0
    while (at < chunk.length && this.#failure === undefined) {
      if (this.#dataLeft > 0) at += this.#takeData(chunk.subarray(at))
      else {
        const end = chunk.indexOf(0x0a, at)
        this.#text += chunk.toString('utf8', at, end < 0 ? chunk.length : end)
        at = end < 0 ? chunk.length : end + 1
        if (this.#text.length > (this.#alive ? MOST_LINE_BYTES : MOST_PREAMBLE_BYTES)) {
          this.end(this.#strange(`far too much text, beginning ${this.#text.slice(0, 80)}`))
        } else if (end >= 0) this.#endOfLine()
      }
    }
  }

  #endOfLine(): void {
    if (!this.#alive) {
      // Whatever a login script has printed stays, for a message.
      this.#text += '\n'
      if (!this.#text.endsWith(GREETING)) return
      this.#text = ''
      this.#alive = true
      this.#greeted.resolve()
      return
    }
    const line = this.#text
    this.#text = ''
    const pending = this.#pending
    const parsed = pending === undefined ? undefined : parseAgentLine(pending.verb, line)
    if (pending === undefined || parsed === undefined) {
      this.end(this.#strange(line))
      return
    }
    if (parsed.kind === 'data') this.#expectData(pending, parsed.sizeBytes)
    else if (parsed.kind === 'answer') this.#finish(pending, parsed.answer)
    else if (parsed.kind === 'failure') {
      this.#pending = undefined
      pending.reject(new AgentRefusal(parsed.failure))
    }
  }

  #expectData(pending: Pending, sizeBytes: number): void {
    const room = (pending.target?.length ?? 0) - pending.filledBytes
    if (sizeBytes > room) this.end(this.#strange(`${sizeBytes} bytes where ${room} were asked for`))
    else this.#dataLeft = sizeBytes
  }

  #takeData(chunk: Buffer): number {
    const take = Math.min(this.#dataLeft, chunk.length)
    const { target, filledBytes } = this.#pending ?? { target: undefined, filledBytes: 0 }
    if (target !== undefined) chunk.copy(target, filledBytes, 0, take)
    if (this.#pending !== undefined) this.#pending.filledBytes += take
    this.#dataLeft -= take
    return take
  }

  #finish(pending: Pending, answer: Answer<Verb>): void {
    const missing = (pending.target?.length ?? 0) - pending.filledBytes
    if (missing > 0) {
      this.end(this.#strange(`an end with ${missing} bytes missing`))
      return
    }
    this.#pending = undefined
    pending.resolve(answer)
  }

  #strange(what: string): ConnectionDropped {
    return this.#dropped(`it said what no agent of ours says: ${quoted(what)}`)
  }
}

/** sshd opened no further session on this connection (MaxSessions), or ran no command in it. */
export class ChannelRefused extends Error {
  override readonly name = 'ChannelRefused'
}

import { ConnectionDropped, type GuestliftError } from '../../contracts/errors.ts'
import type { SshLogin } from '../../contracts/route.ts'
import { type NodeContext, startFact } from './agent-facts.ts'
import { AgentProcess, ChannelRefused, type ProcessSettings } from './agent-process.ts'
import { connectSsh, type SshConnection, type SshTimeouts } from '../ssh-connection.ts'

export interface SessionSettings extends SshTimeouts, ProcessSettings {
  /** Agents on one connection. sshd allows ten sessions (MaxSessions). */
  mostAgents: number
}

/** Makes an agent that has just been started ready for use, such as by having it open a file. One that fails is ended. */
export type Prepare = (agent: AgentProcess, context: NodeContext) => Promise<void>

/**
 * Agents on one SSH connection to a node, each prepared in the same way, started as they are needed. Who finds none free and may
 * start none waits for one.
 */
export class AgentSession {
  readonly context: NodeContext
  readonly #connection: SshConnection
  readonly #settings: SessionSettings
  readonly #prepare: Prepare
  readonly #agents = new Set<AgentProcess>()
  readonly #free: AgentProcess[] = []
  readonly #waiting: { resolve(agent: AgentProcess): void; reject(reason: unknown): void }[] = []
  #most: number
  #starting = 0
  #over: GuestliftError | undefined
  readonly #lost = Promise.withResolvers<never>()

  /**
   * Connect, and start one agent.
   * @param purpose what the agents are for, for messages, and the fact for a node that can't run them
   * @throws HostKeyMismatch, RouteLoginRejected, InvalidSite, ConnectionDropped, that fact, AgentRefusal
   */
  static async open(
    site: string,
    host: string,
    login: SshLogin,
    settings: SessionSettings,
    purpose: Pick<NodeContext, 'need' | 'unusable'>,
    prepare: Prepare = async () => undefined,
  ): Promise<AgentSession> {
    const connection = await connectSsh(site, host, login, settings)
    const context = {
      where: `the SSH server ${host}:${login.port} of site ${site}`,
      username: login.username,
      ...purpose,
    }
    const session = new AgentSession(connection, context, prepare, settings)
    try {
      await session.use(async () => undefined)
      return session
    } catch (error) {
      await session.close()
      throw error
    }
  }

  private constructor(connection: SshConnection, context: NodeContext, prepare: Prepare, settings: SessionSettings) {
    this.#connection = connection
    this.context = context
    this.#prepare = prepare
    this.#settings = settings
    this.#most = settings.mostAgents
    this.#lost.promise.catch(() => undefined)
    connection.onLost((reason) => this.#end(reason))
  }

  /** Have an agent to oneself for a while. */
  async use<T>(work: (agent: AgentProcess) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const agent = await this.#take(signal)
    try {
      return await work(agent)
    } finally {
      this.#give(agent)
    }
  }

  async close(): Promise<void> {
    this.#end(new ConnectionDropped(`the connection to ${this.context.where} was closed by its user`))
    await this.#connection.close()
  }

  #end(reason: GuestliftError): void {
    if (this.#over !== undefined) return
    this.#over = reason
    this.#lost.reject(reason)
    for (const agent of this.#agents) agent.end(reason)
    for (const waiter of this.#waiting.splice(0)) waiter.reject(reason)
  }

  async #take(signal: AbortSignal | undefined): Promise<AgentProcess> {
    signal?.throwIfAborted()
    if (this.#over !== undefined) throw this.#over
    const free = this.#free.pop()
    if (free !== undefined) return free
    if (this.#agents.size + this.#starting < this.#most) return this.#start(signal)
    return this.#wait(signal)
  }

  async #wait(signal: AbortSignal | undefined): Promise<AgentProcess> {
    const { promise, resolve, reject } = Promise.withResolvers<AgentProcess>()
    const waiter = { resolve, reject }
    this.#waiting.push(waiter)
    const onAbort = (): void => {
      const index = this.#waiting.indexOf(waiter)
      if (index >= 0) this.#waiting.splice(index, 1)
      reject(signal?.reason)
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      return await promise
    } finally {
      signal?.removeEventListener('abort', onAbort)
    }
  }

  async #start(signal: AbortSignal | undefined): Promise<AgentProcess> {
    try {
      const agent = await Promise.race([this.#startAgent(), this.#lost.promise])
      await this.#ready(agent)
      return agent
    } catch (error) {
      if (this.#over !== undefined) throw this.#over
      if (error instanceof ChannelRefused) {
        if (this.#agents.size === 0) throw startFact(this.context, { text: error.message, exitCode: undefined })
        // The server allows fewer sessions than ours does; those that run will do.
        this.#most = this.#agents.size
        return this.#take(signal)
      }
      this.#replace()
      throw error
    }
  }

  async #startAgent(): Promise<AgentProcess> {
    this.#starting++
    try {
      const agent = await AgentProcess.start(this.#connection, this.context, this.#settings)
      this.#agents.add(agent)
      if (this.#over !== undefined) agent.end(this.#over)
      return agent
    } finally {
      this.#starting--
    }
  }

  async #ready(agent: AgentProcess): Promise<void> {
    try {
      await this.#prepare(agent, this.context)
    } catch (error) {
      this.#drop(agent)
      throw error
    }
  }

  #give(agent: AgentProcess): void {
    if (!agent.usable) {
      this.#drop(agent)
      return
    }
    const waiter = this.#waiting.shift()
    if (waiter === undefined) this.#free.push(agent)
    else waiter.resolve(agent)
  }

  /** Its place goes to anyone who waits. */
  #drop(agent: AgentProcess): void {
    agent.end(new ConnectionDropped(`the agent on the node behind ${this.context.where} isn't needed any more`))
    this.#agents.delete(agent)
    this.#replace()
  }

  /** Somebody may be waiting for the agent that is gone or didn't come. */
  #replace(): void {
    if (this.#waiting.length === 0) return
    this.#take(undefined).then(
      (agent) => this.#give(agent),
      (error: unknown) => this.#waiting.shift()?.reject(error),
    )
  }
}

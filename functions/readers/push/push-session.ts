import { ConnectionDropped, type GuestliftError, SourceChanged } from '../../contracts/errors.ts'
import type { SshLogin } from '../../contracts/route.ts'
import { type NodeContext, startFact } from './push-facts.ts'
import { AgentProcess, ChannelRefused, type ProcessSettings } from './push-process.ts'
import { connectSsh, type SshConnection, type SshTimeouts } from '../ssh/ssh-connection.ts'

export interface SessionSettings extends SshTimeouts, ProcessSettings {
  /** Agents on one connection. sshd allows ten sessions (MaxSessions). */
  mostAgents: number
}

/** What every agent finds when it opens the file: they have to agree. */
export interface OpenedFile {
  sizeBytes: number
  modifiedMilliseconds: number
}

/**
 * Agents on one SSH connection to a node, each with `path` open, started as they are needed. Who finds none free and may
 * start none waits for one.
 */
export class PushSession {
  readonly context: NodeContext
  readonly #connection: SshConnection
  readonly #settings: SessionSettings
  readonly #path: string | undefined
  readonly #agents = new Set<AgentProcess>()
  readonly #free: AgentProcess[] = []
  readonly #waiting: { resolve(agent: AgentProcess): void; reject(reason: unknown): void }[] = []
  #most: number
  #starting = 0
  #opened: OpenedFile | undefined
  #over: GuestliftError | undefined
  readonly #lost = Promise.withResolvers<never>()

  /**
   * Connect, and start one agent. Without a path, the agents have no file open.
   * @throws HostKeyMismatch, RouteLoginRejected, InvalidSite, ConnectionDropped, SourceUnreadable, AgentRefusal
   */
  static async open(
    site: string,
    host: string,
    login: SshLogin,
    path: string | undefined,
    settings: SessionSettings,
  ): Promise<PushSession> {
    const connection = await connectSsh(site, host, login, settings)
    const context = { where: `the SSH server ${host}:${login.port} of site ${site}`, username: login.username }
    const session = new PushSession(connection, context, path, settings)
    try {
      await session.use(async () => undefined)
      return session
    } catch (error) {
      await session.close()
      throw error
    }
  }

  private constructor(
    connection: SshConnection,
    context: NodeContext,
    path: string | undefined,
    settings: SessionSettings,
  ) {
    this.#connection = connection
    this.context = context
    this.#path = path
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
      await this.#openFile(agent)
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

  /** The file as the first agent found it. Only for sessions with a path. */
  get opened(): OpenedFile {
    if (this.#opened === undefined) throw new ConnectionDropped(`no agent on ${this.context.where} has a file open`)
    return this.#opened
  }

  /** Agents open the file at different times, by its name: another file may stand there by then. */
  async #openFile(agent: AgentProcess): Promise<void> {
    if (this.#path === undefined) return
    try {
      const { sizeBytes, modifiedMilliseconds } = await agent.ask('open', { path: this.#path })
      this.#opened ??= { sizeBytes, modifiedMilliseconds }
      const first = this.#opened
      if (first.sizeBytes === sizeBytes && first.modifiedMilliseconds === modifiedMilliseconds) return
      throw new SourceChanged(
        `${this.#path} on ${this.context.where} was replaced or written to while it was copied. Check that nothing ` +
          'else writes to the folder of the archives; a new run starts afresh',
      )
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

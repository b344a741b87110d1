import { crc32 } from 'node:zlib'
import { ConnectionDropped, type GuestliftError, SourceChanged } from '../../contracts/errors.ts'
import type { SourceIdentity, SourceLocation } from '../../contracts/nouns.ts'
import type { PushRoute } from '../../contracts/route.ts'
import type { PutVerdict, RangeSums, SignedPut } from '../../contracts/signed-put.ts'
import { MAX_PART_ATTEMPTS } from '../../domain/transfer/part-retry.ts'
import { isPassingOnNode, type NodeContext } from '../../ssh/agent/agent-facts.ts'
import { type AgentDeps, pause, realDeps } from '../../ssh/agent/agent-pause.ts'
import { type AgentProcess, AgentRefusal } from '../../ssh/agent/agent-process.ts'
import { AgentSession, type SessionSettings } from '../../ssh/agent/agent-session.ts'
import { mapPath } from '../../ssh/map-path.ts'
import { pushProgram } from './push-agent.ts'
import { failureFact, sending } from './push-facts.ts'
import type { Pusher, Reader, Route } from '../reader.ts'
import { missingFolderAdvice } from '../missing-source.ts'
import { siteFileOf } from '../site-file.ts'
import { sooner } from '../sooner.ts'

export const pushRouteDefaults: SessionSettings = {
  program: pushProgram,
  mostAgents: 8,
  connectMilliseconds: 20_000,
  idleMilliseconds: 45_000,
  heartbeatMilliseconds: 10_000,
  speakSeconds: 5,
  unheardSeconds: 60,
}

interface Range {
  positionBytes: number
  sizeBytes: number
}

/** What every agent finds when it opens the file: they have to agree. */
interface OpenedFile {
  sizeBytes: number
  modifiedMilliseconds: number
}

/** Agents open the file at different times, by its name: another file may stand there by then. */
class SameFile {
  readonly #path: string
  #first: OpenedFile | undefined

  constructor(path: string) {
    this.#path = path
  }

  /** The file as the first agent found it. */
  get opened(): OpenedFile {
    if (this.#first === undefined) throw new ConnectionDropped(`no agent has ${this.#path} open`)
    return this.#first
  }

  async open(agent: AgentProcess, { where }: NodeContext): Promise<void> {
    const { sizeBytes, modifiedMilliseconds } = await agent.ask('open', { path: this.#path })
    this.#first ??= { sizeBytes, modifiedMilliseconds }
    const first = this.#first
    if (first.sizeBytes === sizeBytes && first.modifiedMilliseconds === modifiedMilliseconds) return
    throw new SourceChanged(
      `${this.#path} on ${where} was replaced or written to while it was copied. Check that nothing ` +
        'else writes to the folder of the archives; a new run starts afresh',
    )
  }
}

/** One file on one node, seen by the agents there. What it tells of the file is the same for reader and pusher. */
class NodeFile implements Reader, Pusher {
  readonly #session: AgentSession
  readonly #path: string
  readonly #same: SameFile
  readonly #deps: AgentDeps

  constructor(session: AgentSession, path: string, same: SameFile, deps: AgentDeps) {
    this.#session = session
    this.#path = path
    this.#same = same
    this.#deps = deps
  }

  get opened(): SourceIdentity {
    return identityOf(this.#same.opened)
  }

  async stat(): Promise<SourceIdentity> {
    return identityOf(await this.#use((agent) => agent.ask('stat', { path: this.#path })))
  }

  async read(positionBytes: number, target: Buffer, signal?: AbortSignal): Promise<number> {
    await this.#use(
      (agent) => agent.ask('read', { positionBytes, sizeBytes: target.length }, { target, signal }),
      signal,
    )
    return crc32(target)
  }

  push(
    range: Range,
    sign: (sums: RangeSums) => Promise<SignedPut>,
    signal?: AbortSignal,
  ): Promise<RangeSums & { throttles: number }> {
    return this.#use(async (agent) => {
      const sums = await sumOf(agent, range, signal)
      let throttles = 0
      for (let attempt = 1; ; attempt++) {
        const verdict = await this.#tryPut(agent, range, await sign(sums), signal)
        if (verdict.stored) return { ...sums, throttles }
        if (verdict.slowDown) throttles++
        if (verdict.damaged) await this.#assertSame(agent, range, sums, signal)
        if (!verdict.again || attempt === MAX_PART_ATTEMPTS) throw verdict.error
        await pause(attempt, this.#deps, signal)
      }
    }, signal)
  }

  close(): Promise<void> {
    return this.#session.close()
  }

  /** One PUT. A way to the store that is closed for the moment is a verdict, too. */
  async #tryPut(agent: AgentProcess, range: Range, put: SignedPut, signal?: AbortSignal): Promise<PutVerdict> {
    try {
      const answer = await agent.ask('put', { ...range, url: put.url, headers: put.headers }, { signal })
      return put.judge(answer)
    } catch (error) {
      if (!(error instanceof AgentRefusal && isPassingOnNode(error.failure))) throw error
      return { stored: false, again: true, damaged: false, slowDown: false, error: this.#fact(error) }
    }
  }

  /** Bytes that don't fit their sums were damaged on the way, unless they aren't the ones that were summed. */
  async #assertSame(agent: AgentProcess, range: Range, before: RangeSums, signal?: AbortSignal): Promise<void> {
    const now = await sumOf(agent, range, signal)
    if (now.crc32 === before.crc32 && now.md5 === before.md5) return
    throw new SourceChanged(
      `bytes of ${this.#path} on ${this.#session.context.where} changed while they were copied. Check that nothing ` +
        'writes to the archive after its backup has ended, and the memory and disks of the node',
    )
  }

  async #use<T>(work: (agent: AgentProcess) => Promise<T>, signal?: AbortSignal): Promise<T> {
    try {
      return await this.#session.use(work, signal)
    } catch (error) {
      throw error instanceof AgentRefusal ? this.#fact(error) : error
    }
  }

  #fact(refusal: AgentRefusal): GuestliftError {
    return failureFact(refusal.failure, this.#path, this.#session.context)
  }
}

function identityOf({ sizeBytes, modifiedMilliseconds }: OpenedFile): SourceIdentity {
  return { sizeBytes, modifiedAt: new Date(modifiedMilliseconds).toISOString() }
}

async function sumOf(agent: AgentProcess, range: Range, signal?: AbortSignal): Promise<RangeSums> {
  const { crc32: sum, md5 } = await agent.ask('sum', range, { signal })
  return { crc32: sum, md5 }
}

/**
 * The node sends parts itself; see `push-agent.ts` for what runs there. Each reader or pusher has an SSH connection of its
 * own, over which no byte of an archive goes unless `read` asks for it.
 */
export function openPushRoute(
  site: string,
  route: PushRoute,
  overrides: Partial<SessionSettings> = {},
  deps: AgentDeps = realDeps,
): Route {
  const settings = { ...pushRouteDefaults, ...overrides }
  const hostOf = (node: string): string => route.host.replaceAll('{node}', node)

  async function openFile(source: SourceLocation): Promise<NodeFile> {
    const location = siteFileOf(site, source)
    const path = mapPath(location.path, route.pathPrefix)
    const host = hostOf(location.node)
    const context = { where: `${host} (site ${site}, node ${location.node})`, username: route.username, ...sending }
    const same = new SameFile(path)
    try {
      const session = await AgentSession.open(site, host, route, settings, sending, (agent, at) => same.open(agent, at))
      return new NodeFile(session, path, same, deps)
    } catch (error) {
      throw error instanceof AgentRefusal ? failureFact(error.failure, path, context) : error
    }
  }

  return {
    open: openFile,
    openPusher: openFile,
    endOf: (node) => `${hostOf(node)}:${route.port}`,
    async check(node, { folder, storeUrl, withinMilliseconds } = {}) {
      const path = folder === undefined ? undefined : mapPath(folder, route.pathPrefix)
      const wanted = { ...(path === undefined ? {} : { path }), ...(storeUrl === undefined ? {} : { url: storeUrl }) }
      const hasty = sooner(settings, withinMilliseconds)
      const session = await AgentSession.open(site, hostOf(node), route, hasty, sending)
      try {
        await session.use((agent) => agent.ask('probe', wanted))
      } catch (error) {
        throw error instanceof AgentRefusal
          ? failureFact(error.failure, path ?? '', session.context, missingFolderAdvice)
          : error
      } finally {
        await session.close()
      }
    },
  }
}

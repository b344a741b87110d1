import { setTimeout as delay } from 'node:timers/promises'
import { crc32 } from 'node:zlib'
import { type GuestliftError, SourceChanged } from '../../contracts/errors.ts'
import type { SourceIdentity, SiteFileLocation } from '../../contracts/nouns.ts'
import type { PushRoute } from '../../contracts/route.ts'
import type { PutVerdict, RangeSums, SignedPut } from '../../contracts/signed-put.ts'
import { backoffMilliseconds, MAX_PART_ATTEMPTS } from '../../domain/transfer/part-retry.ts'
import { failureFact, isPassingOnNode } from './push-facts.ts'
import { type AgentProcess, AgentRefusal } from './push-process.ts'
import { type OpenedFile, PushSession, type SessionSettings } from './push-session.ts'
import type { Pusher, Reader, Route } from '../reader.ts'
import { missingFolderAdvice } from '../missing-source.ts'
import { mapPath } from '../sftp/sftp.ts'
import { sooner } from '../sooner.ts'

export const pushRouteDefaults: SessionSettings = {
  mostAgents: 8,
  connectMilliseconds: 20_000,
  idleMilliseconds: 45_000,
  heartbeatMilliseconds: 10_000,
  speakSeconds: 5,
  unheardSeconds: 60,
}

export interface PushDeps {
  /** 0 ≤ n < 1. */
  random(): number
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>
}

const realDeps: PushDeps = {
  random: Math.random,
  sleep: async (milliseconds, signal) => {
    await delay(milliseconds, undefined, signal === undefined ? {} : { signal })
  },
}

interface Range {
  positionBytes: number
  sizeBytes: number
}

/** One file on one node, seen by the agents there. What it tells of the file is the same for reader and pusher. */
class NodeFile implements Reader, Pusher {
  readonly #session: PushSession
  readonly #path: string
  readonly #deps: PushDeps

  constructor(session: PushSession, path: string, deps: PushDeps) {
    this.#session = session
    this.#path = path
    this.#deps = deps
  }

  get opened(): SourceIdentity {
    return identityOf(this.#session.opened)
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
        await this.#pause(attempt, signal)
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

  async #pause(attempt: number, signal?: AbortSignal): Promise<void> {
    try {
      await this.#deps.sleep(
        backoffMilliseconds(attempt, () => this.#deps.random()),
        signal,
      )
    } finally {
      signal?.throwIfAborted()
    }
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
  deps: PushDeps = realDeps,
): Route {
  const settings = { ...pushRouteDefaults, ...overrides }
  const hostOf = (node: string): string => route.host.replaceAll('{node}', node)

  async function openFile(location: SiteFileLocation): Promise<NodeFile> {
    const path = mapPath(location.path, route.pathPrefix)
    const host = hostOf(location.node)
    const context = { where: `${host} (site ${site}, node ${location.node})`, username: route.username }
    try {
      return new NodeFile(await PushSession.open(site, host, route, path, settings), path, deps)
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
      const session = await PushSession.open(site, hostOf(node), route, undefined, hasty)
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

import type { SshLogin } from '../../contracts/route.ts'
import { type AgentDeps, realDeps } from '../../ssh/agent/agent-pause.ts'
import { AgentRefusal } from '../../ssh/agent/agent-process.ts'
import { AgentSession, type SessionSettings } from '../../ssh/agent/agent-session.ts'
import { landing } from '../landing.ts'
import { folderOf, ownNamesOf, placeOf } from '../place.ts'
import type { Delivery } from '../writer.ts'
import { pullProgram } from './pull-agent.ts'
import { failureFact, fetching } from './pull-facts.ts'
import { PullWriter } from './pull-writer.ts'

export const pullDefaults: SessionSettings = {
  program: pullProgram,
  mostAgents: 8,
  connectMilliseconds: 20_000,
  idleMilliseconds: 45_000,
  heartbeatMilliseconds: 10_000,
  speakSeconds: 5,
  unheardSeconds: 60,
}

/**
 * The node fetches the file itself; see `pull-agent.ts` for what runs there. Each writer has an SSH connection of its
 * own, over which no byte of an archive goes.
 */
export function openPullDelivery(
  site: string,
  login: SshLogin,
  overrides: Partial<SessionSettings> = {},
  deps: AgentDeps = realDeps,
): Delivery {
  const settings = { ...pullDefaults, ...overrides }
  const hostOf = (node: string): string => login.host.replaceAll('{node}', node)
  const open = (node: string): Promise<AgentSession> => AgentSession.open(site, hostOf(node), login, settings, fetching)

  /** What lies in a folder. @throws TargetUnwritable */
  async function look(session: AgentSession, wanted: { folder: string; temporary?: string; final?: string }) {
    try {
      return await session.use((agent) => agent.ask('look', wanted))
    } catch (error) {
      throw error instanceof AgentRefusal ? failureFact(error.failure, wanted.folder, session.context) : error
    }
  }

  return {
    async open(target) {
      const place = placeOf(target, login.pathPrefix)
      const session = await open(target.node)
      try {
        const at = landing(place, session.context.where, target, await look(session, place))
        return new PullWriter(session, place, target, at, deps)
      } catch (error) {
        await session.close()
        throw error
      }
    },
    async check(node, folder) {
      const inside = folderOf(folder, login.pathPrefix)
      const session = await open(node)
      try {
        const { freeBytes } = await look(session, { folder: inside })
        return freeBytes === undefined ? {} : { freeBytes }
      } finally {
        await session.close()
      }
    },
    async remove(target) {
      const names = ownNamesOf(target, login.pathPrefix)
      const session = await open(target.node)
      try {
        for (const path of names) await session.use((agent) => agent.ask('discard', { path }))
      } catch (error) {
        throw error instanceof AgentRefusal ? failureFact(error.failure, target.folder, session.context) : error
      } finally {
        await session.close()
      }
    },
    endOf: (node) => `${hostOf(node)}:${login.port}`,
  }
}

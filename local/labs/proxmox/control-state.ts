/** What the control address shows of the site: all that a command can change, and the tasks that run. */
import type { NextAnswer } from './faults.ts'
import { usage } from './storage-files.ts'
import { type LabGuest, onNode, type Shortcoming, type World } from './world.ts'

export interface ControlState {
  clockOffsetSeconds: number
  /** The site's clock. */
  now: string
  clusterId: string
  clusterName: string
  /** SHA-256 of the certificate that connections meet. */
  fingerprint: string
  nodes: { name: string; online: boolean }[]
  guests: {
    id: number
    kind: 'vm' | 'container'
    name: string
    node: string
    status: 'running' | 'stopped'
    /** `null` when it isn't locked. */
    lock: string | null
    shortcomings: Shortcoming[]
    /** VM: SMBIOS uuid; container: hardware address of its first interface. `null` when its configuration has none. */
    identity: { id: string | null; createdAt?: string }
  }[]
  /** As the first node that has it sees it. */
  storages: { name: string; type: string; enabled: boolean; online: boolean; shared: boolean; freeBytes: number }[]
  hidden: number[]
  nextAnswers: NextAnswer[]
  tasks: { jobRef: string; node: string; type: string; id: string; user: string; startedAt: string }[]
}

function identityOf({ kind, identity }: LabGuest): ControlState['guests'][number]['identity'] {
  const createdAt = identity?.createdAt
  return {
    id: (kind === 'lxc' ? identity?.hwaddr : identity?.smbiosUuid) ?? null,
    ...(createdAt === undefined ? {} : { createdAt: new Date(createdAt * 1000).toISOString() }),
  }
}

export function stateOf(world: World, offsetSeconds: number, fingerprint: string): ControlState {
  const { site } = world
  const { id, name } = world.cluster()
  return {
    clockOffsetSeconds: offsetSeconds,
    now: new Date(world.now()).toISOString(),
    clusterId: id,
    clusterName: name,
    fingerprint,
    nodes: site.nodes.map((node) => ({ name: node.name, online: node.online })),
    guests: site.guests.map((guest) => ({
      id: guest.vmid,
      kind: guest.kind === 'lxc' ? 'container' : 'vm',
      name: guest.name,
      node: guest.node,
      status: guest.status,
      lock: guest.lock ?? null,
      shortcomings: guest.shortcomings ?? [],
      identity: identityOf(guest),
    })),
    storages: site.storages.map((storage) => {
      const node = site.nodes.find((each) => onNode(storage, each.name))?.name ?? ''
      return {
        name: storage.id,
        type: storage.type,
        enabled: !storage.disabled,
        online: storage.online,
        shared: storage.shared,
        freeBytes: usage(world, storage, node).avail,
      }
    }),
    hidden: site.hidden ?? [],
    nextAnswers: world.faults.nextAnswers(),
    tasks: world.tasks
      .all()
      .filter((task) => task.running)
      .map((task) => ({
        jobRef: task.upid,
        node: task.node,
        type: task.type,
        id: task.id,
        user: task.user,
        startedAt: new Date(task.starttime * 1000).toISOString(),
      })),
  }
}

import type { JudgeJob } from '../../functions/domain/backup/verdict.ts'
import type { PlanItem } from '../../functions/contracts/plan-item.ts'
import type { Ports } from '../../functions/operations/ports.ts'
import type { Route } from '../../functions/readers/reader.ts'
import { writtenJobs } from '../../functions/providers/registry.ts'
import { FakeProvider } from './fake-provider.ts'
import { MemoryDelivery } from './memory-delivery.ts'
import { MemoryStore } from './memory-store.ts'

export const item: PlanItem = {
  run: { id: 'run-1', startedAt: '2026-11-22T02:00:00.000Z', prefix: 'runs/2026/11/22/run-1/' },
  site: 'hq',
  platform: 'proxmox',
  platformVersion: '9.2.11',
  guest: { id: '100', kind: 'vm', name: 'web', node: 'pve1' },
  backup: { mode: 'snapshot', compress: 'zstd', storage: 'local' },
  deleteSource: false,
  staging: { maxArchives: 4 },
  limits: { windows: [], timezone: 'UTC' },
}

/** Id of the execution that works in these tests. */
export const execution = 'arn:aws:states:eu-central-1:1:execution:export-guest:one'
/** Whose claims these are. */
export const claimant = { runId: item.run.id, execution }

/** The same guest in another run. */
export function itemOf(runId: string): PlanItem {
  return { ...item, run: { ...item.run, id: runId, prefix: `runs/2026/11/22/${runId}/` } }
}

export interface FakePorts extends Ports {
  store: MemoryStore
  fakeProvider: FakeProvider
  judgeJobOf: (platform: string) => Promise<JudgeJob>
  routeChecks: Record<string, Error>
  /** Those that run: they fire when a test fires them. */
  timers: { milliseconds: number; fire: () => void }[]
  /** The clock: only moves when a test moves it. */
  clock: { now: Date }
  logged: { event: string; fields: Record<string, unknown> }[]
}

/** Ports over fakes, at a fixed time, with guest 100 on node pve1. */
export function fakePorts(): FakePorts {
  const fakeProvider = new FakeProvider()
  fakeProvider.guests = [{ ...item.guest, nodeOffline: false }]
  const clock = { now: new Date('2026-11-22T02:00:05.000Z') }
  const logged: FakePorts['logged'] = []
  let drawn = 0
  const routeChecks: Record<string, Error> = {}
  const timers: FakePorts['timers'] = []
  const route: Route = {
    endOf: (node) => node,
    open: () => Promise.reject(new Error('no reader in this test')),
    check: async (node) => {
      const refusal = routeChecks[node]
      if (refusal !== undefined) throw refusal
    },
  }
  return {
    store: new MemoryStore(() => clock.now),
    keyPrefix: '',
    defaultSite: undefined,
    writtenJobs,
    deployment: 'test',
    fakeProvider,
    provider: async () => fakeProvider,
    traitsOf: () => fakeProvider.traits,
    judgeJobOf: async () => fakeProvider.judgeJob,
    route: async () => route,
    delivery: async () => new MemoryDelivery(),
    diskWriter: () => Promise.reject(new Error('no disk is written in this test')),
    fileDiskWriter: () => Promise.reject(new Error('no disk is written in this test')),
    importsGuests: async () => false,
    siteLimits: async () => ({ connectionsPerNode: 4, windows: [], timezone: 'UTC' }),
    routeChecks,
    clock,
    now: () => clock.now,
    sleep: async (milliseconds) => {
      clock.now = new Date(clock.now.getTime() + milliseconds)
    },
    timers,
    timer: (milliseconds, fire) => {
      const timer = { milliseconds, fire }
      timers.push(timer)
      return () => void timers.splice(timers.indexOf(timer), 1)
    },
    randomToken: () => (drawn++).toString(16).padStart(16, '0'),
    remainingMilliseconds: () => 900_000,
    billedMilliseconds: () => 0,
    memoryMiB: undefined,
    log: (event, fields) => logged.push({ event, fields }),
    logged,
    toolVersion: 'guestlift/test',
  }
}

import { existsSync, readdirSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type FunctionHost, type HostLimits, startFunctionHost } from '../../../local/run/function-host.ts'

/** Stand-ins for bundles: what each does is its source. */
const sources: Record<string, string> = {
  echo: 'exports.handler = async (event) => ({ event, site: process.env.SITE, pid: process.pid, gone: undefined })',
  fails: 'exports.handler = async () => { const e = new Error("no such guest"); e.name = "GuestNotFound"; throw e }',
  spins: 'exports.handler = async () => { for (;;) {} }',
  waits: 'exports.handler = (event) => new Promise((resolve) => setTimeout(resolve, event.ms, process.pid))',
  dies: 'exports.handler = async () => process.exit(3)',
  hoards:
    'exports.handler = async (event) => { globalThis.held = Buffer.alloc(event.mib * 2 ** 20, 1); return new Promise(() => setInterval(() => {}, 1e6)) }',
  memory: 'exports.handler = async () => process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE',
  copies: 'exports.handler = () => new Promise((resolve) => setTimeout(resolve, 300, process.pid))',
  tells: 'exports.handler = async () => { console.log("a line"); return 1 }',
}

let directory: string
let host: FunctionHost
let open: (limits: Partial<HostLimits>, environment?: NodeJS.ProcessEnv) => FunctionHost
let logged: string[]
const never = new AbortController().signal

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'function-host-'))
  for (const [stem, source] of Object.entries(sources)) {
    await mkdir(join(directory, stem))
    await writeFile(join(directory, stem, 'index.js'), source)
  }
  const functions = Object.fromEntries(
    Object.keys(sources).map((stem) => [
      stem,
      {
        directory: join(directory, stem),
        handler: 'index.handler',
        timeoutSeconds: stem === 'spins' ? 1 : stem === 'copies' ? 900 : 30,
        memoryMiB: 256,
      },
    ]),
  )
  logged = []
  open = (limits, environment = {}) =>
    startFunctionHost(
      functions,
      (stem) => ({ SITE: `of ${stem}`, ...environment }),
      (stem, line) => logged.push(`${stem}: ${line}`),
      { idleMilliseconds: 60_000, mostShortEnvironments: 3, ...limits },
    )
  host = open({})
})

afterEach(async () => {
  await host.close()
  await rm(directory, { recursive: true })
})

describe('the function host', () => {
  it('gives each function its own environment and answers as JSON would', async () => {
    const answer = await host.invoke('echo', { a: 1 }, never)
    expect(answer).toMatchObject({ event: { a: 1 }, site: 'of echo' })
    expect(answer).not.toHaveProperty('gone')
  })

  it('reuses an idle environment and adds one for each concurrent call', async () => {
    const first = await host.invoke('waits', { ms: 1 }, never)
    const second = await host.invoke('waits', { ms: 1 }, never)
    expect(second).toBe(first)
    const both = await Promise.all([host.invoke('waits', { ms: 50 }, never), host.invoke('waits', { ms: 50 }, never)])
    expect(new Set(both).size).toBe(2)
  })

  it('lets a function that answered leave its code to environments to come', async () => {
    await host.close()
    const folder = join(directory, 'compiled')
    host = open({}, { NODE_COMPILE_CACHE: folder })
    await expect(host.invoke('fails', {}, never)).rejects.toThrow('no such guest')
    const kept = () =>
      readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.includes('bundle-'))
    expect(kept()).toEqual([])
    await host.invoke('echo', {}, never)
    await expect.poll(kept).toHaveLength(1)
    await expect(host.invoke('echo', { a: 1 }, never)).resolves.toMatchObject({ event: { a: 1 } })
  })

  it('ends an environment that nobody calls any more', async () => {
    await host.close()
    host = open({ idleMilliseconds: 100 })
    const first = await host.invoke('waits', { ms: 1 }, never)
    await expect.poll(() => isAlive(Number(first))).toBe(false)
    await expect(host.invoke('waits', { ms: 1 }, never)).resolves.not.toBe(first)
  })

  it('never has more environments of short functions than it may, and lets each call have its turn', async () => {
    const stems = ['waits', 'echo', 'tells']
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, at) => host.invoke(stems[at % 3] ?? '', { ms: 20 }, never)),
    )
    expect(answers).toHaveLength(30)
    const pids = answers.flatMap((answer) =>
      typeof answer === 'number'
        ? [answer]
        : Object.entries(answer ?? {}).flatMap(([key, value]) => (key === 'pid' ? [Number(value)] : [])),
    )
    expect(new Set(pids.filter((pid) => pid !== 1 && isAlive(pid))).size).toBeLessThanOrEqual(3)
  })

  it('lets a call that is cancelled while it waits for its turn leave the queue', async () => {
    const busy = [1, 2, 3].map(() => host.invoke('waits', { ms: 400 }, never))
    const controller = new AbortController()
    const cancelled = host.invoke('echo', {}, controller.signal)
    const behind = host.invoke('tells', {}, never)
    controller.abort(new Error('cancelled'))
    await expect(cancelled).rejects.toThrow('cancelled')
    await expect(Promise.all(busy)).resolves.toHaveLength(3)
    await expect(behind).resolves.toBe(1)
  })

  it('gives the turn of a call that is cancelled in the very moment of its turn to the next', async () => {
    await host.close()
    host = open({ memoryMiB: 1 })
    const busy = [1, 2].map(() => host.invoke('waits', { ms: 200 }, never))
    const controller = new AbortController()
    const { signal } = controller
    const unlisten = signal.removeEventListener.bind(signal)
    // What a call whose turn has come does first, before it runs on.
    signal.removeEventListener = (...its: Parameters<typeof unlisten>) => {
      unlisten(...its)
      controller.abort(new Error('cancelled'))
    }
    const cancelled = host.invoke('waits', { ms: 1 }, signal)
    // Long enough that nothing else comes free before the test is over.
    const last = host.invoke('waits', { ms: 1 }, never)
    await expect(cancelled).rejects.toThrow('cancelled')
    await expect(last).resolves.toEqual(expect.any(Number))
    await Promise.all(busy)
  })

  it('adds no third environment of a short function where there is no memory for it', async () => {
    await host.close()
    host = open({ memoryMiB: 1 })
    const pids = await Promise.all([1, 2, 3, 4].map(() => host.invoke('waits', { ms: 50 }, never)))
    expect(new Set(pids).size).toBe(2)
    // Nor does another function's: it takes the place of one that is idle.
    await expect(host.invoke('tells', {}, never)).resolves.toBe(1)
    await expect.poll(() => [...new Set(pids)].filter((pid) => isAlive(Number(pid))).length).toBe(1)
  })

  it('counts what its own process holds, and a starting one for what it is about to hold', async () => {
    await host.close()
    const ownMiB = Math.round(process.memoryUsage.rss() / 2 ** 20)
    host = open({ memoryMiB: ownMiB + 3 * 76, mostShortEnvironments: 9 })
    const pids = await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map(() => host.invoke('waits', { ms: 50 }, never)))
    expect(new Set(pids).size).toBeGreaterThanOrEqual(3)
    expect(new Set(pids).size).toBeLessThan(8)
  })

  it('lets a long call wait for short ones where memory is short, but never for other long ones', async () => {
    await host.close()
    host = open({ memoryMiB: 1 })
    const long = () => host.invoke('copies', {}, never)
    const ended: string[] = []
    // Two short ones may be there whatever the memory, and so may any number of long ones beside them.
    const shorts = [1, 2].map(async () => (await host.invoke('waits', { ms: 300 }, never), ended.push('short')))
    const longs = [1, 2, 3].map(async () => ended.push(`long ${String(await long())}`))
    await Promise.all([...shorts, ...longs])
    expect(ended.filter((one) => one !== 'short').map((one) => Number(one.slice(5)))).toHaveLength(3)
    expect(new Set(ended.filter((one) => one !== 'short')).size).toBe(3)
  })

  it('tells a function how much memory it has, as Lambda does', async () => {
    await expect(host.invoke('memory', {}, never)).resolves.toBe('256')
  })

  it('reports an error by the name that the handler gave it', async () => {
    await expect(host.invoke('fails', {}, never)).rejects.toMatchObject({
      name: 'GuestNotFound',
      message: 'no such guest',
    })
  })

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'lets a call go on to its end when %s reaches everything of the run',
    async (signal) => {
      const pid = Number(await host.invoke('waits', { ms: 1 }, never))
      const call = host.invoke('waits', { ms: 150 }, never)
      process.kill(pid, signal)
      await expect(call).resolves.toBe(pid)
    },
  )

  it('starts each environment in a process group of its own', async () => {
    const pid = Number(await host.invoke('waits', { ms: 1 }, never))
    // Only the leader of a group can be addressed like this.
    expect(() => process.kill(-pid, 0)).not.toThrow()
  })

  it('kills a function at its time limit, even one that never yields', async () => {
    await expect(host.invoke('spins', {}, never)).rejects.toMatchObject({ name: 'Sandbox.Timedout' })
  })

  it.runIf(existsSync('/proc/self/status'))(
    'kills a function that holds more than its memory, and says so',
    async () => {
      await expect(host.invoke('hoards', { mib: 400 }, never)).rejects.toMatchObject({
        name: 'Runtime.OutOfMemory',
        message: expect.stringMatching(/of 256 MiB/),
      })
    },
  )

  it('kills a call that is cancelled and starts afresh afterwards', async () => {
    const controller = new AbortController()
    const call = host.invoke('waits', { ms: 60_000 }, controller.signal)
    setTimeout(() => controller.abort(), 200)
    await expect(call).rejects.toMatchObject({ name: 'States.Aborted' })
    await expect(host.invoke('waits', { ms: 1 }, never)).resolves.toBeTypeOf('number')
  })

  it('survives a function that ends its process', async () => {
    await expect(host.invoke('dies', {}, never)).rejects.toMatchObject({ name: 'Runtime.ExitError' })
    await expect(host.invoke('echo', {}, never)).resolves.toBeTruthy()
  })

  it('hands on what a function prints', async () => {
    await host.invoke('tells', {}, never)
    await expect.poll(() => logged).toContain('tells: a line')
  })
})

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** One machine stands in for the conditions that a store doesn't keep: between its processes, by lock files. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MachineLock } from '../../../functions/aws/machine-lock.ts'
import { OneMachineStore } from '../../../functions/aws/one-machine-store.ts'
import { createS3Client } from '../../../functions/aws/s3-client.ts'
import { identifyProcess, isGone } from '../../../functions/runtime/process-identity.ts'
import { startS3 } from '../../../local/s3/server.ts'
import { archiveStoreConformance } from './conformance.ts'

const credentials = { accessKeyId: 'test', secretAccessKey: 'test-secret' }
const deps = {
  sleep: (milliseconds: number) => delay(milliseconds),
  random: () => 0,
  now: () => new Date(),
  self: () => identifyProcess(),
  isGone,
}

async function careless() {
  const directory = mkdtempSync(join(tmpdir(), 'guestlift-machine-'))
  const server = await startS3({
    directory: join(directory, 's3'),
    ...credentials,
    buckets: ['archives'],
    lacks: ['conditions'],
  })
  const client = createS3Client({ endpoint: server.url, region: 'us-east-1', credentials, maxAttempts: 2 })
  const open = () => new OneMachineStore(client, 'archives', deps, join(directory, 'locks'))
  const close = async () => {
    client.destroy()
    await server.close()
    rmSync(directory, { recursive: true })
  }
  return { open, close, locks: join(directory, 'locks') }
}

// All that operations expect of a store holds on one that keeps no condition at all.
archiveStoreConformance('OneMachineStore on a store without conditions', async () => {
  const { open, close } = await careless()
  const store = open()
  store.oneMachine.note({ proof: 'full-object-crc', conditions: false })
  return { store, smallestPartBytes: 5 * 2 ** 20, close }
})

describe('a store that one machine uses alone', () => {
  let bed: Awaited<ReturnType<typeof careless>>
  beforeEach(async () => {
    bed = await careless()
  })
  afterEach(() => bed.close())

  it('loses no write of several that read, change and replace one object at once', async () => {
    const stores = [bed.open(), bed.open(), bed.open()]
    stores[0]?.oneMachine.note({ proof: 'full-object-crc', conditions: false })
    await stores[0]?.writeText('ledger', '0')
    const addOne = async (store: OneMachineStore): Promise<void> => {
      for (;;) {
        const there = await store.readText('ledger')
        const next = String(Number(there?.text) + 1)
        if ((await store.writeText('ledger', next, { onlyIf: { etag: there?.etag ?? '' } })) !== undefined) return
      }
    }
    await Promise.all(stores.flatMap((store) => Array.from({ length: 5 }, () => addOne(store))))
    expect((await stores[0]?.readText('ledger'))?.text).toBe('15')
    expect(readdirSync(bed.locks)).toEqual(['one-machine'])
  })

  it('would lose some without', async () => {
    const store = bed.open()
    await store.writeText('ledger', '0')
    const both = await Promise.all([
      store.writeText('ledger', 'a', { onlyIf: { absent: true } }),
      store.writeText('ledger', 'b', { onlyIf: { absent: true } }),
    ])
    expect(both.every((etag) => etag !== undefined)).toBe(true)
  })

  it('keeps what it knows of the store for every process of the machine', async () => {
    const [one, other] = [bed.open(), bed.open()]
    expect(other.oneMachine.isNeeded()).toBe(false)
    one.oneMachine.note({ proof: 'full-object-crc', conditions: false })
    expect(other.oneMachine.isNeeded()).toBe(true)
    other.oneMachine.note({ proof: 'full-object-crc', conditions: true })
    expect(one.oneMachine.isNeeded()).toBe(false)
  })
})

describe('a lock of this machine', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'guestlift-lock-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it('is held by one at a time, and by several under several names', async () => {
    const lock = () => new MachineLock(folder, deps)
    const inside: Record<string, number> = {}
    const most: Record<string, number> = {}
    const work = (name: string) => () =>
      lock().hold(name, async () => {
        inside[name] = (inside[name] ?? 0) + 1
        most[name] = Math.max(most[name] ?? 0, inside[name])
        await delay(1)
        inside[name] -= 1
      })
    await Promise.all(['a', 'b'].flatMap((name) => Array.from({ length: 8 }, work(name))))
    expect(most).toEqual({ a: 1, b: 1 })
    expect(readdirSync(folder)).toEqual([])
  })

  it('is given back when the work fails', async () => {
    const lock = new MachineLock(folder, deps)
    await expect(lock.hold('a', () => Promise.reject(new Error('no')))).rejects.toThrow('no')
    await expect(lock.hold('a', async () => 'yes')).resolves.toBe('yes')
  })

  it('of a process that was killed is taken over at once, by one of those who wait', async () => {
    const child = spawn('sleep', ['600'])
    const owner = identifyProcess(child.pid)
    const lock = new MachineLock(folder, deps)
    const held = await fileOf(lock, folder)
    writeFileSync(join(folder, held), JSON.stringify(owner))
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
    let inside = 0
    const work = async () => {
      inside += 1
      expect(inside).toBe(1)
      await delay(1)
      inside -= 1
    }
    await Promise.all(Array.from({ length: 6 }, () => new MachineLock(folder, deps).hold('a', work)))
    expect(readdirSync(folder)).toEqual([])
  })

  it('of a process that lives is waited for, ten minutes by its clock, and then named', async () => {
    mkdirSync(folder, { recursive: true })
    const lock = new MachineLock(folder, deps)
    const held = join(folder, await fileOf(lock, folder))
    writeFileSync(held, JSON.stringify(identifyProcess()))
    let now = Date.now()
    const patient = new MachineLock(folder, {
      ...deps,
      now: () => new Date(now),
      sleep: async () => {
        now += 60_000
      },
    })
    await expect(patient.hold('a', async () => undefined)).rejects.toMatchObject({
      name: 'StoreUnavailable',
      message: expect.stringContaining(`The lock file ${held} of this machine was held for ten minutes`),
    })
  })
})

/** The name of the file that stands for `a`. */
async function fileOf(lock: MachineLock, folder: string): Promise<string> {
  return lock.hold('a', async () => readdirSync(folder).find((name) => name.endsWith('.lock')) ?? '')
}

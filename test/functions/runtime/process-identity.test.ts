import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { localProcessSchema } from '../../../functions/contracts/process-identity.ts'
import { identifyProcess, isGone } from '../../../functions/runtime/process-identity.ts'

function sleeper(): ChildProcess {
  return spawn('sleep', ['600'], { stdio: 'ignore' })
}

describe.skipIf(!existsSync('/proc/self/stat'))('telling a dead process of this machine', () => {
  it('knows a living one, and the same one once it was killed', async () => {
    const child = sleeper()
    await once(child, 'spawn')
    const identity = localProcessSchema.parse(identifyProcess(child.pid))
    expect(isGone(identity)).toBe(false)
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(isGone(identity)).toBe(true)
  })

  it('takes a process that got the number later for another', () => {
    const identity = localProcessSchema.parse(identifyProcess())
    expect(isGone(identity)).toBe(false)
    expect(isGone({ ...identity, startTicks: identity.startTicks - 1 })).toBe(true)
  })

  it.each([
    ['another machine', { host: 'another' }],
    ['another boot of a machine of this name', { bootId: '00000000-0000-0000-0000-000000000000' }],
    ['another container', { pidNamespace: 'pid:[1]' }],
  ])('knows nothing of a process of %s, whatever its number', (_, change) => {
    const identity = localProcessSchema.parse(identifyProcess())
    expect(isGone({ ...identity, startTicks: identity.startTicks - 1, ...change })).toBe(false)
  })

  it('takes one that ended and that nobody has asked how for dead', async () => {
    // The shell becomes a program with a child of its own, which it never waits for.
    const parent = spawn('sh', ['-c', 'sleep 1 & echo $!; exec sleep 600'], { stdio: ['ignore', 'pipe', 'ignore'] })
    try {
      const [line] = (await once(parent.stdout, 'data')) as [Buffer]
      const pid = Number(line.toString())
      const identity = localProcessSchema.parse(identifyProcess(pid))
      await expect.poll(() => isGone(identity), { timeout: 60_000 }).toBe(true)
    } finally {
      parent.kill('SIGKILL')
    }
  })

  it('names no process that is not there', () => {
    expect(identifyProcess(2 ** 22 + 1)).toBeUndefined()
  })
})

import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, describe, expect, it } from 'vitest'
import { runBuild } from '../../../local/run/build-host.ts'

const directory = realpathSync(mkdtempSync(join(tmpdir(), 'build-host-')))
afterAll(() => rmSync(directory, { recursive: true }))
const never = new AbortController().signal

async function build(commands: string[], { timeoutSeconds = 30, signal = never } = {}) {
  const lines: string[] = []
  const project = {
    name: 'p',
    directory,
    commands,
    environment: { A: 'project', B: 'project', C: 'project' },
    timeoutSeconds,
  }
  const environment = { PATH: process.env['PATH'], B: 'machine', C: 'machine' }
  const order = { projectName: 'p', environment: { C: 'order' } }
  const status = await runBuild(project, order, environment, (line) => lines.push(line), signal)
  return { status, lines }
}

describe('a build on this machine', () => {
  it('runs its commands where its source lies, one after the other, and tells what they print', async () => {
    const { status, lines } = await build(['pwd', 'echo $A $B $C', 'echo trouble >&2'])
    expect({ status, lines }).toEqual({ status: 'SUCCEEDED', lines: [directory, 'project machine order', 'trouble'] })
  })

  it('runs this project’s own Node.js', async () => {
    expect((await build(['node -p process.version'])).lines).toEqual([process.version])
  })

  it('fails at the first command that does', async () => {
    expect(await build(['exit 3', 'echo never'])).toEqual({ status: 'FAILED', lines: [] })
  })

  it('ends all that it started when it is stopped or takes too long', async () => {
    const stop = new AbortController()
    // Whatever isn't ended outlasts the time that a test has.
    const running = build(['sleep 3000 & sleep 3000'], { signal: stop.signal })
    await delay(100)
    stop.abort()
    expect((await running).status).toBe('STOPPED')
    expect((await build(['sleep 3000'], { timeoutSeconds: 0.1 })).status).toBe('TIMED_OUT')
  })
})

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Start an npm script, wait for the line of JSON it prints, and tell it to stop as a person's script would. */
async function startAndStop(script: string, options: string[]): Promise<{ url: URL; code: unknown }> {
  const npm = spawn('npm', ['run', '--silent', script, '--', ...options], { cwd: root })
  const ended = once(npm, 'exit')
  for await (const line of createInterface({ input: npm.stdout })) {
    const { url, apiUrl } = JSON.parse(line) as { url?: string; apiUrl?: string }
    npm.kill('SIGTERM')
    const [code] = await ended
    return { url: new URL(url ?? apiUrl ?? ''), code }
  }
  throw new Error(`npm run ${script} printed nothing`)
}

async function refuses({ hostname, port }: URL): Promise<boolean> {
  const socket = connect(Number(port), hostname)
  try {
    await once(socket, 'connect')
    return false
  } catch {
    return true
  } finally {
    socket.destroy()
  }
}

describe('the parts that stand alone', () => {
  it.each([
    ['s3', (folder: string) => ['--port', '0', '--dir', folder, '--access-key', 'key', '--secret-key', 'secret-of-it']],
    ['lab', (folder: string) => ['--port', '0', '--state', folder]],
    ['lab', () => ['--platform', 'ec2', '--port', '0']],
  ])('npm run %s ends cleanly, server and all, when npm is told to', async (script, options) => {
    const folder = await mkdtemp(join(tmpdir(), 'npm-script-'))
    const { url, code } = await startAndStop(script, options(folder))
    expect(code).toBe(0)
    expect(await refuses(url)).toBe(true)
    await rm(folder, { recursive: true })
  })
})

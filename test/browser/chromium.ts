/** Chromium without a window, spoken to over its own pipe: no port, no driver, no package. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'

/** Where Debian and others put it; `undefined` where there is none. */
export const chromium = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) =>
  existsSync(path),
)

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--remote-debugging-pipe',
]

interface Answer {
  id?: number
  method?: string
  result?: Record<string, unknown>
  error?: { message: string }
}

export interface BrowserPage {
  /** The value of an expression in the page. @throws Error with what it threw there */
  evaluate(expression: string): Promise<unknown>
  /** A PNG of what is seen. */
  screenshot(): Promise<Buffer>
  close(): Promise<void>
}

/** Open an address in a browser of its own, with a new profile, and wait until it has loaded. */
export async function openInChromium(address: string, { width = 1200, height = 900 } = {}): Promise<BrowserPage> {
  const profile = await mkdtemp(join(tmpdir(), 'guestlift-chromium-'))
  const child: ChildProcess = spawn(chromium ?? '', [...FLAGS, `--user-data-dir=${profile}`], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
  })
  const [, , , input, output] = child.stdio as [null, null, null, Writable, Readable]
  const waiting = new Map<number, (answer: Answer) => void>()
  let [rest, count] = ['', 0]
  let onLoaded: () => void = () => undefined
  const loaded = new Promise<void>((resolve) => (onLoaded = resolve))
  output.setEncoding('utf8').on('data', (chunk: string) => {
    const messages = `${rest}${chunk}`.split('\0')
    rest = messages.pop() ?? ''
    for (const message of messages) {
      const answer = JSON.parse(message) as Answer
      if (answer.method === 'Page.loadEventFired') onLoaded()
      if (answer.id !== undefined) waiting.get(answer.id)?.(answer)
    }
  })
  const send = async (method: string, params: object, sessionId?: unknown): Promise<Record<string, unknown>> => {
    count += 1
    const id = count
    const answered = new Promise<Answer>((resolve) => waiting.set(id, resolve))
    input.write(`${JSON.stringify({ id, method, params, sessionId })}\0`)
    const { result = {}, error } = await answered
    if (error !== undefined) throw new Error(`${method}: ${error.message}`)
    return result
  }
  const open = async () => {
    const { targetId } = await send('Target.createTarget', { url: 'about:blank' })
    const { sessionId: its } = await send('Target.attachToTarget', { targetId, flatten: true })
    await send('Page.enable', {}, its)
    await send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: false }, its)
    await send('Page.navigate', { url: address }, its)
    await loaded
    return its
  }
  const sessionId = await open().catch((error: unknown) => {
    child.kill()
    throw error
  })
  return {
    async evaluate(expression) {
      const params = { expression, returnByValue: true, awaitPromise: true }
      const { result, exceptionDetails } = await send('Runtime.evaluate', params, sessionId)
      if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails))
      return (result as { value?: unknown }).value
    },
    async screenshot() {
      const { data } = await send('Page.captureScreenshot', { format: 'png' }, sessionId)
      return Buffer.from(String(data), 'base64')
    },
    async close() {
      const ended = once(child, 'exit')
      await send('Browser.close', {}).catch(() => undefined)
      await ended
      await rm(profile, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

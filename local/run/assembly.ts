import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = fileURLToPath(new URL('../../', import.meta.url))
/** What the command line keeps between runs: the synthesised app, and logs. */
export const stateFolder = join(root, '.guestlift')
/** What Node.js compiled: `bin/guestlift.js` and each function's process would else compile the same sources again. */
export const compileCache = join(stateFolder, 'compile-cache')

/** What the synthesised app is made of. */
const sources = ['bin/app.ts', 'cdk.json', 'functions', 'lib', 'package-lock.json']

/**
 * The folder of the synthesised app (`cdk synth`), made anew only when a source changed. The local run executes exactly
 * what a deployment would: these definitions and these bundles.
 */
export async function synthesise(onStart: () => void): Promise<string> {
  const target = join(stateFolder, `assembly-${await fingerprint()}`)
  const there = (): boolean => existsSync(join(target, 'manifest.json'))
  const giveBack = await takeTurn(`${target}.lock`, there)
  try {
    if (!there()) await synthesiseInto(target, onStart)
    return target
  } finally {
    await giveBack()
  }
}

const LOOK_AGAIN_MILLISECONDS = 250

/** Processes that want the same app wait for the first one's, in place of each making its own. Returns what gives the turn back. */
async function takeTurn(lock: string, done: () => boolean): Promise<() => Promise<void>> {
  await mkdir(stateFolder, { recursive: true })
  while (!done()) {
    try {
      await writeFile(lock, String(process.pid), { flag: 'wx' })
      return () => rm(lock, { force: true })
    } catch {
      const holder = Number(await readFile(lock, 'utf8').catch(() => ''))
      // Stopped in the middle, by Ctrl-C for one, it left its lock.
      if (holder > 0 && !isAlive(holder)) await rm(lock, { force: true })
      else await delay(LOOK_AGAIN_MILLISECONDS)
    }
  }
  return async () => undefined
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

async function synthesiseInto(target: string, onStart: () => void): Promise<void> {
  onStart()
  const draft = `${target}.${process.pid}`
  const cdk = join(root, 'node_modules', 'aws-cdk', 'bin', 'cdk')
  try {
    await promisify(execFile)(process.execPath, [cdk, 'synth', '--quiet', '--no-notices', '--output', draft], {
      cwd: root,
      env: {
        ...process.env,
        CDK_DISABLE_CLI_TELEMETRY: '1',
        PATH: `${join(root, 'node_modules', '.bin')}:${process.env['PATH'] ?? ''}`,
      },
      maxBuffer: 16 * 1024 * 1024,
    })
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    const output = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : ''
    throw new Error(`The app could not be synthesised:\n${output || String(error)}`, { cause: error })
  }
  await forgetOthers()
  // After a stale lock two may synthesise at once; the later one finds the folder there and uses it.
  await rename(draft, target).catch(() => rm(draft, { recursive: true, force: true }))
}

/** A run of days may still load functions from the assembly that it started with. */
const KEEP_OTHERS_MILLISECONDS = 7 * 24 * 3_600_000

async function forgetOthers(): Promise<void> {
  // Of sources that have changed since.
  await rm(compileCache, { recursive: true, force: true })
  for (const name of await readdir(stateFolder)) {
    const path = join(stateFolder, name)
    if (!/^assembly-[0-9a-f]{16}$/.test(name)) continue
    const { mtimeMs } = await stat(path)
    if (Date.now() - mtimeMs > KEEP_OTHERS_MILLISECONDS) await rm(path, { recursive: true, force: true })
  }
}

async function fingerprint(): Promise<string> {
  const hash = createHash('sha256')
  for (const source of sources) await addTo(hash, source)
  return hash.digest('hex').slice(0, 16)
}

async function addTo(hash: ReturnType<typeof createHash>, path: string): Promise<void> {
  const full = join(root, path)
  const entries = await readdir(full, { withFileTypes: true }).catch(() => undefined)
  if (entries === undefined) {
    hash.update(path).update(await readFile(full))
    return
  }
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) await addTo(hash, join(path, entry.name))
}

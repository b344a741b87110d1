import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { madeOnce } from './made-once.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
/** The command line's own file, for the demo. */
export const launcher = join(root, 'bin', 'guestlift.js')
/** What a function's process runs. */
export const functionProcess = fileURLToPath(new URL('function-process.ts', import.meta.url))
/** What the command line keeps between runs: the synthesised app, and logs. */
export const stateFolder = join(root, '.guestlift')
/** What Node.js compiled: `bin/guestlift.js` and each function's process would else compile the same sources again. */
export const compileCache = join(stateFolder, 'compile-cache')

/** What the synthesised app is made of. */
export const sources = [
  'bin/app.ts',
  'cdk.json',
  'functions',
  'lib',
  'local/deployments',
  'local/documents',
  'package-lock.json',
]

/**
 * The folder of the synthesised app (`cdk synth`), made anew only when a source changed. The local run executes exactly
 * what a deployment would: these definitions and these bundles.
 */
export async function synthesise(onStart: () => void): Promise<string> {
  return madeOnce(join(stateFolder, `assembly-${await fingerprint(sources)}`), (draft) => {
    onStart()
    return synthesiseInto(draft)
  })
}

async function synthesiseInto(draft: string): Promise<void> {
  const cdk = join(root, 'node_modules', 'aws-cdk', 'bin', 'cdk')
  try {
    await promisify(execFile)(process.execPath, [cdk, 'synth', '--quiet', '--no-notices', '--output', draft], {
      cwd: root,
      env: {
        ...process.env,
        CDK_DISABLE_CLI_TELEMETRY: '1',
        // CloudFormation's rules say what a deployment would be refused for; this app runs here. Asking them takes most of the time.
        CDK_VALIDATION: 'false',
        PATH: `${join(root, 'node_modules', '.bin')}:${process.env['PATH'] ?? ''}`,
      },
      maxBuffer: 16 * 1024 * 1024,
    })
  } catch (error) {
    const output = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : ''
    throw new Error(`The app could not be synthesised:\n${output || String(error)}`, { cause: error })
  }
  await forgetOthers()
}

/** A run of days may still load functions from the assembly that it started with. */
const KEEP_OTHERS_MILLISECONDS = 7 * 24 * 3_600_000

async function forgetOthers(): Promise<void> {
  // Of sources that have changed since. Processes of an earlier run may write to it meanwhile: what they leave is only old.
  await rm(compileCache, { recursive: true, force: true, maxRetries: 3 }).catch(() => undefined)
  for (const name of await readdir(stateFolder)) {
    const path = join(stateFolder, name)
    if (!/^assembly-[0-9a-f]{16}$/.test(name)) continue
    const { mtimeMs } = await stat(path)
    if (Date.now() - mtimeMs > KEEP_OTHERS_MILLISECONDS) await rm(path, { recursive: true, force: true })
  }
}

/** Of what these files and folders of the project hold. */
export async function fingerprint(paths: readonly string[]): Promise<string> {
  const hash = createHash('sha256')
  for (const path of paths) await addTo(hash, path)
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

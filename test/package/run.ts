import { execFile } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { promisify } from 'node:util'

const execute = promisify(execFile)
const mostOutput = { maxBuffer: 64 * 1024 * 1024 }

/** Runs npm as this checkout does, and returns what it prints. */
export async function npm(cwd: string, ...words: string[]): Promise<string> {
  const quiet = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error']
  // What this very npm run passes on would else be the settings of that one.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^npm_(config|package|lifecycle)/.test(name)),
  )
  const { stdout } = await execute('npm', [...words, ...quiet], { cwd, env, ...mostOutput })
  return stdout
}

/** Where npm finds its settings: another Node.js has its own folder for those of the machine. */
let npmSettings: Promise<Record<string, string>> | undefined

async function readNpmSettings(): Promise<Record<string, string>> {
  const paths = ['globalconfig', 'userconfig'].map(async (name) => {
    const { stdout } = await execute('npm', ['config', 'get', name])
    return [`npm_config_${name}`, stdout.trim()]
  })
  return Object.fromEntries(await Promise.all(paths))
}

/** Runs a program with a PATH, a home, npm's settings and nothing else around it. */
export async function runAsUser(
  program: string,
  words: readonly string[],
  { node, cwd, home }: { node: string; cwd: string; home: string },
): Promise<string> {
  await mkdir(home, { recursive: true })
  npmSettings ??= readNpmSettings()
  const env = { PATH: `${dirname(node)}:${process.env['PATH'] ?? ''}`, HOME: home, ...(await npmSettings) }
  const { stdout } = await execute(program, words, { cwd, env, ...mostOutput })
  return stdout
}

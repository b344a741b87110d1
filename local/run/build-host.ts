import { spawn } from 'node:child_process'
import { dirname } from 'node:path'
import { createInterface } from 'node:readline'
import type { BuildOrder, BuildStatus } from '../asl/integrations/codebuild.ts'
import type { SynthesisedBuild } from './synthesised.ts'

/**
 * Runs a build of the synthesised app on this machine: the project's own commands in a shell, where its source lies, as
 * CodeBuild does. The phases that prepare its image are left out: the Node.js is this process's own.
 * @param environment of this machine, laid over the project's: where S3 is, and who asks
 * @param onLine gets every line that it prints
 */
export async function runBuild(
  build: SynthesisedBuild,
  order: BuildOrder,
  environment: NodeJS.ProcessEnv,
  onLine: (line: string) => void,
  signal: AbortSignal,
): Promise<BuildStatus> {
  const limit = AbortSignal.timeout(build.timeoutSeconds * 1000)
  const stop = AbortSignal.any([signal, limit])
  const env = { ...build.environment, ...environment, ...order.environment, ...withOwnNode(environment) }
  for (const command of build.commands) {
    const succeeded = await runCommand(command, build.directory, env, onLine, stop)
    if (signal.aborted) return 'STOPPED'
    if (limit.aborted) return 'TIMED_OUT'
    if (!succeeded) return 'FAILED'
  }
  return 'SUCCEEDED'
}

function withOwnNode({ PATH = '' }: NodeJS.ProcessEnv): { PATH: string } {
  return { PATH: `${dirname(process.execPath)}:${PATH}` }
}

function runCommand(
  command: string,
  cwd: string,
  env: NodeJS.ProcessEnv,
  onLine: (line: string) => void,
  signal: AbortSignal,
): Promise<boolean> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(false)
    // A group of its own, so that what the shell starts ends with it.
    const child = spawn('/bin/sh', ['-c', command], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
    const kill = () => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
      } catch {
        // It has ended already.
      }
    }
    const end = (succeeded: boolean) => {
      signal.removeEventListener('abort', kill)
      resolve(succeeded)
    }
    signal.addEventListener('abort', kill, { once: true })
    for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', onLine)
    child.on('error', () => end(false))
    child.on('close', (code) => end(code === 0))
  })
}

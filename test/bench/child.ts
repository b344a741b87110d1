import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

export interface Child {
  port: number
  pid: number
  stop(): void
}

/**
 * Start one of the benchmark's own servers, a script beside this one. It prints its port when it listens, and ends when
 * its standard input does: also when the benchmark is killed.
 */
export async function startChild(script: string, args: readonly string[]): Promise<Child> {
  const child = spawn(process.execPath, [here(script), ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.on('error', () => undefined)
  const port = await new Promise<number>((resolve, reject) => {
    child.stdout.once('data', (line: Buffer) => resolve(Number(line.toString())))
    child.once('exit', () => reject(new Error(`${script} did not start`)))
  })
  return { port, pid: child.pid ?? 0, stop: () => child.stdin.end() }
}

import { execFileSync } from 'node:child_process'
import { sshdPath } from '../functions/ssh/openssh-server.ts'

/** First line of each tool's own answer, `undefined` where it isn't installed. */
export interface Tools {
  sshd: string | undefined
  ssh: string | undefined
  curl: string | undefined
  openssl: string | undefined
  rclone: string | undefined
  aws: string | undefined
  perf: string | undefined
}

export type ToolName = keyof Tools

function firstLine(tool: string, flag: string): string | undefined {
  try {
    // OpenSSH's client tells its version on stderr.
    return execFileSync('sh', ['-c', '"$0" "$1" 2>&1', tool, flag], { stdio: ['ignore', 'pipe', 'ignore'] })
      .toString()
      .split('\n')[0]
  } catch {
    return undefined
  }
}

export function findTools(): Tools {
  return {
    sshd: sshdPath,
    ssh: firstLine('ssh', '-V'),
    curl: firstLine('curl', '--version'),
    openssl: firstLine('openssl', 'version'),
    rclone: firstLine('rclone', '--version'),
    aws: firstLine('aws', '--version'),
    perf: firstLine('perf', '--version'),
  }
}

/** The tools of a list that are missing, as a reason: `no rclone`. `undefined` when all are there. */
export function lacking(tools: Tools, needed: readonly ToolName[]): string | undefined {
  const missing = needed.filter((name) => tools[name] === undefined)
  return missing.length === 0 ? undefined : missing.map((name) => `no ${name}`).join(', ')
}

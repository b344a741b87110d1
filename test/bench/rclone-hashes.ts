import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import type { Bed, Source } from './bed.ts'
import { measure } from './measure.ts'
import type { Tools } from './tools.ts'

/** How much of rclone's CPU time SHA-256 and MD5 take, 0 to 1, and how that was found. */
export interface HashShare {
  share: number
  method: string
}

/**
 * rclone's S3 back end signs each part with its SHA-256 and adds its MD5; neither can be switched off for multipart
 * uploads. Read from a profile of one more run where perf is there; else from what rclone's own `hashsum` takes.
 * @param cpuSeconds of one ordinary run of `command`
 */
export async function hashShare(
  tools: Tools,
  bed: Bed,
  command: readonly string[],
  source: Source,
  cpuSeconds: number,
): Promise<HashShare> {
  return (await profiledShare(tools, bed, command)) ?? (await estimatedShare(source, cpuSeconds))
}

const HASH_SYMBOL = /\bcrypto\/(sha256|md5)\b|\bsha256block|\bmd5block/

async function profiledShare(tools: Tools, bed: Bed, command: readonly string[]): Promise<HashShare | undefined> {
  if (tools.perf === undefined) return undefined
  const profile = join(bed.folder, 'perf.data')
  try {
    await measure(['perf', 'record', '--quiet', '--freq', '199', '--output', profile, ...command])
    const flags = ['report', '--stdio', '--input', profile, '--sort', 'symbol', '--percent-limit', '0']
    const report = execFileSync('perf', flags, { stdio: ['ignore', 'pipe', 'ignore'] }).toString()
    const rows = report.split('\n').map((line) => /^\s*([\d.]+)%\s+(.*)$/.exec(line))
    const percent = rows.reduce(
      (sum, row) => (row !== null && HASH_SYMBOL.test(row[2] ?? '') ? sum + Number(row[1]) : sum),
      0,
    )
    // A build without symbols, or a kernel that lets no one look.
    return percent > 0 ? { share: percent / 100, method: 'perf profile of one run' } : undefined
  } catch {
    return undefined
  }
}

/** The same code on the same bytes, without what reading them takes. */
async function estimatedShare(source: Source, cpuSeconds: number): Promise<HashShare> {
  const cpu = async (command: readonly string[]): Promise<number> => (await measure(command)).cpuSeconds
  const noConfig = ['--config', '/dev/null']
  const reading = await cpu(['rclone', 'hashsum', 'CRC-32', source.path, ...noConfig])
  const sha256 = await cpu(['rclone', 'hashsum', 'SHA-256', source.path, ...noConfig])
  const md5 = await cpu(['rclone', 'hashsum', 'MD5', source.path, ...noConfig])
  const hashing = Math.max(0, sha256 - reading) + Math.max(0, md5 - reading)
  return { share: Math.min(1, hashing / cpuSeconds), method: 'estimate: rclone hashsum of the same bytes' }
}

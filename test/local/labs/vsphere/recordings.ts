/** What VMware's own simulator answered, and what VMware's own client sends, where the recordings are at hand. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface Recorded {
  request: { method: string; path: string; headers: [string, string][]; body?: string; bodyBytes?: number }
  response: { status: number; headers: [string, string][]; body?: string; bodyBytes?: number }
}

export interface Recording {
  scenario: string
  note: string
  exchanges: Recorded[]
}

const directory = fileURLToPath(new URL('../../../../../shared/vsphere-transcripts', import.meta.url))

/** In the index's order; none where the folder is missing. */
export function recordings(): Recording[] {
  const index = join(directory, 'INDEX.md')
  if (!existsSync(index)) return []
  const files = [...readFileSync(index, 'utf8').matchAll(/^\| ([\w-]+)\.json \|/gm)].map(([, file = '']) => file)
  return files.map((scenario) => ({
    ...(JSON.parse(readFileSync(join(directory, `${scenario}.json`), 'utf8')) as Recording),
    scenario,
  }))
}

/** Envelopes by method. */
export function requestsByPyvmomi(): Record<string, string> {
  const file = join(directory, 'requests-by-pyvmomi.json')
  if (!existsSync(file)) return {}
  return (JSON.parse(readFileSync(file, 'utf8')) as { requests: Record<string, string> }).requests
}

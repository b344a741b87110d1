/** What the vendor's client sent to moto, and what moto answered, where the recordings are at hand. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface Recorded {
  request: {
    method: string
    path: string
    query: Record<string, string>
    headers: Record<string, string>
    form?: Record<string, string>
    json?: Record<string, unknown>
    body?: string
  }
  response: { status: number; headers: Record<string, string>; body: string }
}

export interface Recording {
  file: string
  note: string
  exchanges: Recorded[]
}

const directory = fileURLToPath(new URL('../../../../../shared/ec2-transcripts', import.meta.url))

/** In the order in which they were made; none where the folder is missing. */
export function recordings(): Recording[] {
  const index = join(directory, 'INDEX.md')
  if (!existsSync(index)) return []
  const files = [...readFileSync(index, 'utf8').matchAll(/^\| ([\w-]+\.json) \|/gm)].map(([, file = '']) => file)
  return files.map((file) => ({
    file,
    ...(JSON.parse(readFileSync(join(directory, file), 'utf8')) as Omit<Recording, 'file'>),
  }))
}

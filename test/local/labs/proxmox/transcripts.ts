/** Recorded exchanges of a real server, where they are at hand. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface RecordedExchange {
  request: { line: string; method: string; path: string; headers: [string, string][]; body: string }
  response: {
    statusLine: string
    status: number
    reason: string
    headers: [string, string][]
    body?: string
    connectionAfter: string
  }
}

export interface Transcript {
  scenario: string
  note: string
  exchanges: RecordedExchange[]
}

const directory = fileURLToPath(new URL('../../../../../shared/pve-transcripts', import.meta.url))

export function loadTranscripts(): Transcript[] {
  if (!existsSync(directory)) return []
  return readdirSync(directory)
    .filter((file) => file.endsWith('.json'))
    .toSorted()
    .map((file) => JSON.parse(readFileSync(join(directory, file), 'utf8')) as Transcript)
}

/** Recorded exchanges with a real Proxmox VE server, and a script that answers with them byte for byte. */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Reply, Script, SeenRequest } from '../../../../local/replay/byte-server.ts'
import { type Exchange, readRecording, recordedReply, recordingFiles } from '../../../../local/replay/recording.ts'

export type { Exchange } from '../../../../local/replay/recording.ts'

export const recordingsDirectory = fileURLToPath(new URL('../../../../../shared/pve-transcripts/', import.meta.url))

/** The recordings lie beside the project, not in it. */
export const recordingsPresent = existsSync(recordingsDirectory)

export function recordingNames(): string[] {
  return recordingFiles(recordingsDirectory).map((name) => name.slice(0, -'.json'.length))
}

export function recording(name: string): Exchange[] {
  const recorded = readRecording(recordingsDirectory, `${name}.json`)
  if ('complaint' in recorded) throw new Error(`${name}: ${recorded.complaint}`)
  return recorded.map((one) => {
    if ('complaint' in one) throw new Error(`${name}: ${one.complaint}`)
    return one.exchange
  })
}

/** What a request is answered by: the same method and path, with the same parameters if there is one, in recorded order. */
function keyOf({ method, path }: { method: string; path: string }, withQuery: boolean): string {
  const [bare = '', query = ''] = path.split('?')
  let decoded = bare
  try {
    decoded = decodeURIComponent(bare)
  } catch {
    // Recorded malformed paths stay as they are.
  }
  return withQuery && query !== '' ? `${method} ${decoded}?${query}` : `${method} ${decoded}`
}

/** Answer with the recorded exchanges; the last of several for the same request is repeated. `others` answers the rest. */
export function replay(exchanges: readonly Exchange[], others: (request: SeenRequest) => Reply | undefined): Script {
  const queues = new Map<string, Exchange[]>()
  for (const exchange of exchanges) {
    for (const key of new Set([keyOf(exchange.request, true), keyOf(exchange.request, false)])) {
      queues.set(key, [...(queues.get(key) ?? []), exchange])
    }
  }
  return (request) => {
    const queue = queues.get(keyOf(request, true)) ?? queues.get(keyOf(request, false)) ?? []
    const exchange = queue.length > 1 ? queue.shift() : queue[0]
    if (exchange !== undefined) return recordedReply(exchange)
    return others(request) ?? { bytes: 'HTTP/1.1 501 not recorded\r\nContent-Length: 0\r\n\r\n', after: 'close' }
  }
}

/** Every task's log that was recorded, as its lines; the longest answer where one was asked for several times. */
export function recordedLogs(): { name: string; lines: string[] }[] {
  return recordingNames().flatMap((name) => {
    const logs = new Map<string, string[]>()
    for (const { request, response } of recording(name)) {
      const upid = /\/tasks\/([^/]+)\/log(?:\?|$)/.exec(request.path)?.[1]
      if (upid === undefined) continue
      const { data } = parseLog(response.body ?? '')
      const lines = (data ?? []).map(({ t }) => t)
      if (lines.length > (logs.get(upid)?.length ?? 0)) logs.set(upid, lines)
    }
    return [...logs.values()].map((lines) => ({ name, lines }))
  })
}

function parseLog(body: string): { data?: { t: string }[] } {
  try {
    return JSON.parse(body) as { data?: { t: string }[] }
  } catch {
    return {}
  }
}

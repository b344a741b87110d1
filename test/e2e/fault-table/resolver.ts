/**
 * Loaded into each function's process: names below `.faults.test` are this machine, unless there is an outage, which is
 * a file at the path in this module's address. Everything else is resolved as always.
 */
import { createRequire } from 'node:module'
import { existsSync } from 'node:fs'

type Callback = (error: NodeJS.ErrnoException | null, address?: unknown, family?: number) => void
type Lookup = (hostname: string, options: unknown, callback?: Callback) => void

// The very object that node:net asks; a namespace import would be a copy.
const dns = createRequire(import.meta.url)('node:dns') as { lookup: Lookup }
const outage = new URL(import.meta.url).searchParams.get('outage')
const { lookup } = dns

dns.lookup = (hostname, options, callback) => {
  const ours = hostname.endsWith('.faults.test')
  if (!ours || outage === null || !existsSync(outage)) {
    lookup(ours ? '127.0.0.1' : hostname, options, callback)
    return
  }
  const error = Object.assign(new Error(`getaddrinfo EAI_AGAIN ${hostname}`), { code: 'EAI_AGAIN', hostname })
  const answer = callback ?? (options as Callback)
  process.nextTick(() => answer(error))
}

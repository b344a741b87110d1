/** Sites and surroundings for tests of the Proxmox provider. */
import type { ProviderDeps } from '../../../../functions/providers/provider-deps.ts'
import { type ProxmoxSite, proxmoxSiteSchema } from '../../../../functions/providers/proxmox/config.ts'
import type { Limits } from '../../../../functions/http/api-line.ts'

export const tokenAuth = { tokenId: 'backup@pve!client', secret: '7c4f5b57-62f7-46ed-a42f-21a44d04946c' }
export const passwordAuth = { username: 'backup@pve', password: 'Sup3r-secret' }
const route = { type: 'sftp', host: 'pve1.example.com', username: 'vzdump-read', password: 'route-password' }

export function siteFor(
  servers: { endpoint: string; fingerprint: string } | readonly { endpoint: string; fingerprint: string }[],
  changes: Record<string, unknown> = {},
): ProxmoxSite {
  const all = 'endpoint' in servers ? [servers] : servers
  return proxmoxSiteSchema.parse({
    provider: 'proxmox',
    endpoints: all.map(({ endpoint }) => endpoint),
    tls: { mode: 'fingerprint', fingerprints: all.map(({ fingerprint }) => fingerprint) },
    auth: tokenAuth,
    route,
    ...changes,
  })
}

export interface FakeSurroundings extends ProviderDeps {
  slept: number[]
  logged: string[]
  advance(milliseconds: number): void
}

/** A clock that moves by sleeping only, and a log that is kept as text. */
export function surroundings(start = '2026-11-22T18:00:00Z'): FakeSurroundings {
  let now = Date.parse(start)
  const slept: number[] = []
  const logged: string[] = []
  return {
    slept,
    logged,
    advance: (milliseconds) => {
      now += milliseconds
    },
    now: () => new Date(now),
    sleep: (milliseconds) => {
      slept.push(milliseconds)
      now += milliseconds
      return Promise.resolve()
    },
    log: (event, fields) => {
      logged.push(JSON.stringify({ event, ...fields }))
    },
  }
}

/** Real time-outs, short enough for tests. */
export const shortLimits: Limits = {
  connectTimeoutMs: 1500,
  headersTimeoutMs: 1000,
  bodyTimeoutMs: 1000,
  totalTimeoutMs: 2500,
  maxBodyBytes: 1024 * 1024,
}

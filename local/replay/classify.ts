/** What the client makes of recorded answers: each recorded call is made again, over a real socket, by the real client. */
import { type ErrorGroup, GuestliftError } from '../../functions/contracts/errors.ts'
import { openClient } from '../../functions/providers/proxmox/client.ts'
import { proxmoxSiteSchema } from '../../functions/providers/proxmox/config.ts'
import type { Limits } from '../../functions/http/api-line.ts'
import { formatUpid, parseUpid } from '../../functions/providers/proxmox/identifiers.ts'
import { openProxmox } from '../../functions/providers/proxmox/provider.ts'
import { createIdentity } from '../labs/shared/certificate.ts'
import { type ByteServer, data, type Reply, type SeenRequest, startByteServer } from './byte-server.ts'
import { matchPath, readCallPath } from './call-path.ts'
import { type ClientCall, clientCalls, type Session } from './calls.ts'
import { type Exchange, recordedReply } from './recording.ts'
import { standIn } from './stand-in.ts'

export type Outcome = 'ok' | 'retry' | 'skip-guest' | 'fail-guest' | 'fail-run' | 'not-ours'

export interface Classified {
  outcome: Outcome
  /** Name of the error, of which `outcome` is the group. */
  error: string | null
  message: string
}

/** Short, since a recorded answer comes at once or never. */
const recordedLimits: Limits = {
  connectTimeoutMs: 5000,
  headersTimeoutMs: 1000,
  bodyTimeoutMs: 1000,
  totalTimeoutMs: 2500,
  maxBodyBytes: 64 * 1024 * 1024,
}

const outcomes: Record<ErrorGroup, Outcome> = {
  retry: 'retry',
  skip: 'skip-guest',
  'fail-guest': 'fail-guest',
  'fail-run': 'fail-run',
}

export interface Classifier {
  /** `siblings`: the exchanges of the same scenario, which tell what else was known to the client. */
  /** `reply` is given in place of the recorded answer. */
  classify(exchange: Exchange, siblings: readonly Exchange[], reply?: Reply): Promise<Classified>
  close(): Promise<void>
}

export interface FoundCall {
  call: ClientCall
  values: Record<string, string>
  parameters: Record<string, string>
}

/** The client's call that makes such a request; a text, why there is none. */
export function findCall({ request }: Exchange): FoundCall | string {
  const at = readCallPath(request.path)
  if (at === undefined) return 'not a path of the JSON API'
  const parameters = { ...Object.fromEntries(at.query), ...bodyParameters(request.body) }
  for (const call of clientCalls) {
    const values = call.method === request.method ? matchPath(call.path, at.path) : undefined
    if (values === undefined) continue
    return call.except?.when(parameters) === true ? call.except.why : { call, values, parameters }
  }
  return 'the client has no such call'
}

function bodyParameters(body: string | null | undefined): Record<string, string> {
  if (body == null || body === '') return {}
  if (!body.startsWith('{')) return Object.fromEntries(new URLSearchParams(body))
  try {
    const fields: unknown = JSON.parse(body)
    return Object.fromEntries(Object.entries(fields ?? {}).map(([name, value]) => [name, String(value)]))
  } catch {
    return {}
  }
}

export async function openClassifier(limits: Limits = recordedLimits): Promise<Classifier> {
  let script: (request: SeenRequest) => Reply = standIn
  const server = await startByteServer((request) => script(request), createIdentity(['127.0.0.1'], new Date()))
  return {
    async classify(exchange, siblings, reply = recordedReply(exchange)) {
      const found = findCall(exchange)
      if (typeof found === 'string') return { outcome: 'not-ours', error: null, message: found }
      let asked = false
      script = scriptFor(exchange, siblings, found, reply, () => {
        asked = true
      })
      try {
        const message = await makeAgain(exchange, siblings, found, server, limits)
        if (!asked) throw new Error('the client did not make this call')
        return { outcome: 'ok', error: null, message }
      } catch (error) {
        if (error instanceof GuestliftError) {
          return { outcome: outcomes[error.group], error: error.name, message: error.message }
        }
        // A fault of the client itself: what the handlers would report for it.
        const message = error instanceof Error ? error.message : String(error)
        return { outcome: 'fail-guest', error: 'InternalFault', message }
      }
    },
    close: () => server.close(),
  }
}

async function makeAgain(
  exchange: Exchange,
  siblings: readonly Exchange[],
  { call, values, parameters }: FoundCall,
  server: ByteServer,
  limits: Limits,
): Promise<string> {
  const site = siteFor(exchange, siblings, parameters, server)
  let now = Date.parse('2026-11-22T18:00:00Z')
  const deps = {
    now: () => new Date(now),
    sleep: (milliseconds: number) => {
      now += milliseconds
      return Promise.resolve()
    },
    log: () => undefined,
  }
  const client = openClient('recorded', site, deps, limits)
  const provider = openProxmox('recorded', site, deps, limits)
  try {
    const target = exchange.request.path.slice('/api2/json'.length)
    return `${call.doing}: ${await call.make({ client, provider, target, values, parameters, backup: backupOf(exchange, siblings) })}`
  } finally {
    await Promise.all([client.close(), provider.close()])
  }
}

/** Any secret will do: what the code is doesn't matter to a recording. */
const TOTP_SECRET = 'JBSWY3DPEHPK3PXP'

/** A site whose account is the recorded one, as far as the recording tells. */
function siteFor(
  { request }: Exchange,
  siblings: readonly Exchange[],
  parameters: Record<string, string>,
  server: ByteServer,
) {
  const header = (name: string) => request.headers.find(([key]) => key.toLowerCase() === name)?.[1] ?? ''
  const [, tokenId, secret] = /^PVEAPIToken=([^=\s]+)=(\S+)$/.exec(header('authorization')) ?? []
  const ticketUser = /PVEAuthCookie=PVE(?::|%3A)([^:%\s]+(?:@|%40)[^:%\s]+)/.exec(
    `${header('cookie')} ${header('authorization')}`,
  )?.[1]
  const { username, realm, password } = parameters
  const isLogin = readCallPath(request.path)?.path === '/access/ticket'
  const withCookie = isLogin || header('cookie') !== '' || header('csrfpreventiontoken') !== ''
  // Anyone who recorded a second step had a code.
  const hasCode = siblings.some(({ request: each }) => (each.body ?? '').includes('tfa-challenge='))
  const factor = isLogin && hasCode ? { totpSecret: TOTP_SECRET } : {}
  const candidates = [
    ...(withCookie && username !== undefined
      ? [
          { username, realm, password, ...factor },
          { username, password, ...factor },
        ]
      : []),
    ...(withCookie
      ? [{ username: decodeURIComponent(ticketUser ?? 'backup%40pve'), password: 'recorded', ...factor }]
      : []),
    ...(withCookie ? [{ username: 'backup@pve', password: 'recorded', ...factor }] : []),
    { tokenId, secret },
    { tokenId: 'backup@pve!client', secret: 'recorded' },
  ]
  for (const auth of candidates) {
    const parsed = proxmoxSiteSchema.safeParse({
      provider: 'proxmox',
      endpoints: [server.endpoint],
      tls: { mode: 'fingerprint', fingerprints: [server.fingerprint] },
      auth,
      route: { type: 'sftp', host: '127.0.0.1', username: 'nobody', password: 'unused' },
    })
    if (parsed.success) return parsed.data
  }
  throw new Error('no account fits')
}

/** The recorded answer to the recorded request, and a healthy site's to all others. `asked` is told of the former. */
function scriptFor(
  exchange: Exchange,
  siblings: readonly Exchange[],
  { call, values, parameters }: FoundCall,
  reply: Reply,
  asked: () => void,
): (request: SeenRequest) => Reply {
  const own = readCallPath(exchange.request.path)?.path
  const secondStep = parameters['tfa-challenge'] !== undefined
  const isOwn = ({ method, body }: SeenRequest, path: string) => {
    if (method !== exchange.request.method) return false
    if (call.path === '/access/ticket') return path === own && body.includes('tfa-challenge=') === secondStep
    // The client asks for a task at the node in its id, whatever node the recording asked.
    return path === own || (call.path === TASK_STATUS && matchPath(TASK_STATUS, path)?.['upid'] === values['upid'])
  }
  return (request) => {
    const path = readCallPath(request.path)?.path ?? request.path
    if (isOwn(request, path)) {
      asked()
      return reply
    }
    if (secondStep && path === own) return data({ ticket: HALF_TICKET, NeedTFA: 1 })
    return logOf(path, siblings) ?? standIn({ ...request, path })
  }
}

const TASK_STATUS = '/nodes/{node}/tasks/{upid}/status'
const HALF_TICKET = 'PVE:!tfa!%7B%22totp%22%3Atrue%7D:6B0326A9::c3RhbmQ'

/** The log of a task as far as the same recording holds it: the longest of what was read from its first line on. */
function logOf(path: string, siblings: readonly Exchange[]): Reply | undefined {
  if (!path.endsWith('/log')) return undefined
  const logs = siblings.filter(({ request, response }) => {
    const at = readCallPath(request.path)
    const whole = at !== undefined && !at.query.has('download') && Number(at.query.get('start') ?? 0) === 0
    return whole && at.path === path && response.status === 200
  })
  const [longest] = logs.toSorted((one, other) => lengthOf(other) - lengthOf(one))
  return longest === undefined ? undefined : recordedReply(longest)
}

const lengthOf = ({ response }: Exchange): number => (response.body ?? '').length

/** Whom a recorded backup was for: the guest in the task's id, or of several the first that failed. */
function backupOf(exchange: Exchange, siblings: readonly Exchange[]): Session['backup'] {
  const upid = parseUpid(/\/tasks\/([^/]+)/.exec(readCallPath(exchange.request.path)?.path ?? '')?.[1] ?? '')
  const log = upid === undefined ? undefined : logOf(`/nodes/${upid.node}/tasks/${formatUpid(upid)}/log`, siblings)
  const text = log?.bytes.toString() ?? ''
  const failed = /Backup of VM (\d+) failed/.exec(text)?.[1]
  const start = siblings.find(({ request }) => request.method === 'POST' && request.path.endsWith('/vzdump'))
  const { storage } = bodyParameters(start?.request.body)
  const id = upid === undefined || upid.id === '' ? (failed ?? '0') : upid.id
  const kind = text.includes(`Starting Backup of VM ${id} (lxc)`) ? 'container' : 'vm'
  return { guest: { id, kind, name: '', node: upid?.node ?? '' }, storage: storage ?? 'local' }
}

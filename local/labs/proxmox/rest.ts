/** From a request to an answer, in pveproxy's order: format, caller, path, permission, node, parameters, work. */
import { ApiError, failure, parameterError, permissionError } from './api-error.ts'
import { authenticate, type Caller } from './auth.ts'
import type { HttpFaultAction, SeenRequest } from './faults.ts'
import type { Outcome } from './http-front.ts'
import type { HttpAnswer, HttpRequest } from './http-message.ts'
import { require } from './permissions.ts'
import { checkParameters, type ParameterTable, type RawValue, type Values } from './schema-check.ts'
import { findNode, type World } from './world.ts'

export interface Call {
  world: World
  caller: Caller
  values: Values
  /** The node the call runs on; of calls without a node in their path, the first. */
  node: string
}

/** A whole answer in place of `{data: …}`: file downloads. */
export class RawAnswer {
  readonly answer: HttpAnswer
  constructor(answer: HttpAnswer) {
    this.answer = answer
  }
}

/** Data with further members of the envelope. */
export class WithTotal {
  readonly data: unknown
  readonly total: number
  constructor(data: unknown, total: number) {
    this.data = data
    this.total = total
  }
}

export interface Endpoint {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** `/nodes/{node}/tasks/{upid}`; a last part `{volume}` takes the remaining slashes too. */
  path: string
  parameters?: ParameterTable
  /** Path template and the privileges, any of which will do; checked before the parameters are. */
  permission?: readonly [path: string, ...anyOf: string[]]
  /** Needs no login. */
  world?: true
  /** Runs in pvedaemon: the proxy passes its `Connection: close` on. */
  relayed?: true
  noTokens?: true
  run(call: Call): unknown
}

interface CompiledEndpoint {
  endpoint: Endpoint
  pattern: RegExp
  names: string[]
}

interface Found {
  route: CompiledEndpoint
  inPath: Record<string, string>
}

function compile(endpoint: Endpoint): CompiledEndpoint {
  const names: string[] = []
  const parts = endpoint.path.split('/').map((part) => {
    const name = /^\{(\w+)\}$/.exec(part)?.[1]
    if (name === undefined) return part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
    names.push(name)
    return name === 'volume' ? '(\\S+)' : '([^\\s/]+)'
  })
  return { endpoint, pattern: new RegExp(`^${parts.join('/')}$`), names }
}

const JSON_TYPE = 'application/json;charset=UTF-8'
const FORMATS = new Set(['json', 'extjs', 'html', 'htmljs', 'png', 'spiceconfig'])

/** Percent-decoding byte by byte into latin1: the real path is never taken as UTF-8. */
function decodePath(text: string): string {
  return text.replace(/%([0-9A-Fa-f]{2})/g, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

function decodeForm(text: string): Record<string, string | string[]> {
  const result: Record<string, string | string[]> = {}
  for (const [name, value] of new URLSearchParams(text)) {
    const before = result[name]
    result[name] = before === undefined ? value : [...(Array.isArray(before) ? before : [before]), value]
  }
  return result
}

function bodyParameters(request: HttpRequest): Record<string, RawValue> {
  if (request.body.length === 0) return {}
  const text = request.body.toString('utf8')
  const type = request.headers.get('content-type') ?? ''
  if (type.startsWith('multipart/form-data')) return multipart(request.body.toString('latin1'), type)
  if (!type.startsWith('application/json')) return decodeForm(text)
  try {
    const parsed: unknown = JSON.parse(text)
    return typeof parsed === 'object' && parsed !== null ? { ...parsed } : {}
  } catch {
    // Perl's JSON module says what it wanted and where; only the usual case, an input that ends early, is worded the same.
    const where = `at character offset ${text.length} (before "(end of string)") at /usr/share/perl5/PVE/APIServer/AnyEvent.pm line 934.`
    throw new PlainFailure(500, `'"' expected, ${where}`)
  }
}

function multipart(body: string, type: string): Record<string, RawValue> {
  const boundary = /boundary=(\S+)/.exec(type)?.[1]
  const result: Record<string, RawValue> = {}
  for (const part of body.split(`--${boundary}`).slice(1, -1)) {
    const [head = '', ...content] = part.split('\r\n\r\n')
    const name = /name="([^"]+)"/.exec(head)?.[1]
    const file = /filename="([^"]+)"/.exec(head)?.[1]
    if (name !== undefined) result[name] = file ?? content.join('\r\n\r\n').replace(/\r\n$/, '')
    if (file !== undefined) result['tmpfilename'] = '/var/tmp/pveupload-0'
  }
  return result
}

/** Refusals of the web server itself: text instead of JSON. */
class PlainFailure extends Error {
  readonly status: number
  constructor(status: number, text: string) {
    super(text)
    this.status = status
  }
}

/** The proxy's answer when the other side can't be reached: no body at all. */
export class GatewayFailure extends Error {
  readonly status: number
  constructor(status: number, reason: string) {
    super(reason)
    this.status = status
  }
}

const plain = (status: number, text: string, body = text): HttpAnswer => ({ status, reason: text, body })

function reasonOf(message: string): string {
  return message.split('\n')[0] ?? ''
}

const STATUS_TEXT: Record<number, string> = { 200: 'OK' }

export class Rest {
  readonly #world: World
  readonly #routes: CompiledEndpoint[]
  /** Set while pvedaemon is down: protected calls then meet 595. */
  daemonDown = false

  constructor(world: World, endpoints: readonly Endpoint[]) {
    this.#world = world
    this.#routes = endpoints.map(compile)
  }

  async handle(request: HttpRequest): Promise<Outcome> {
    const [rawPath = '/', rawQuery = ''] = request.target.split(/\?(.*)/s)
    const path = decodePath(rawPath)
    const api = /^\/api2(?:\/([^/]+)(\/.*)?)?$/.exec(path)
    if (api === null && !path.startsWith('/api2')) return outside(path)
    const [, format, uri = '/'] = api ?? []
    if (format === undefined) return plain(501, 'no such uri')
    if (!FORMATS.has(format)) return plain(501, `no formatter for uri ${uri}, ${format}`)
    const clean = uri.replace(/\/+$/, '').replace(/\/{2,}/g, '/') || '/'
    const seen: SeenRequest = {
      at: this.#world.now(),
      method: request.method,
      path: clean,
      query: Object.fromEntries(new URLSearchParams(rawQuery)),
      parameters: {},
      status: 0,
    }
    this.#world.faults.requests.push(seen)
    const actions = this.#world.faults.takeHttp(request.method, clean)
    const outcome = await this.#withFaults(actions, () => this.#answer(request, clean, rawQuery, format, seen, actions))
    seen.status = outcome === 'reset' ? 0 : outcome.status
    return outcome
  }

  async #withFaults(actions: readonly HttpFaultAction[], work: () => Promise<HttpAnswer>): Promise<Outcome> {
    for (const action of actions) {
      if (action.kind === 'reset-before') return 'reset'
      if (action.kind === 'delay') await new Promise((resolve) => setTimeout(resolve, action.seconds * 1000))
      if (action.kind === 'answer') {
        const bare = action.status >= 590 || action.message === ''
        const message = action.message ?? `${action.reason}\n`
        const body = bare ? {} : { body: JSON.stringify({ data: null, message }), contentType: JSON_TYPE }
        return { status: action.status, reason: action.reason, ...body }
      }
    }
    const answer = await work()
    for (const action of actions) {
      if (action.kind === 'reset-after') return 'reset'
      if (action.kind === 'answer-after') return { status: action.status, reason: action.reason }
    }
    return answer
  }

  async #answer(
    request: HttpRequest,
    path: string,
    rawQuery: string,
    format: string,
    seen: SeenRequest,
    actions: readonly HttpFaultAction[],
  ): Promise<HttpAnswer> {
    const progress = { relayed: false }
    let envelope: Record<string, unknown>
    let status = 200
    let reason = STATUS_TEXT[200] ?? 'OK'
    try {
      const found = this.#find(request.method, path)
      const caller = this.#caller(request, path, found?.route.endpoint)
      if (caller.who !== '') seen.who = caller.who
      const data = await this.#execute(request, path, rawQuery, caller, found, seen, progress)
      if (data instanceof RawAnswer) return { relayed: true, ...data.answer }
      envelope = data instanceof WithTotal ? { data: data.data ?? null, total: data.total } : { data: data ?? null }
      for (const action of actions) {
        if (action.kind === 'rewrite') envelope['data'] = action.rewrite(envelope['data'])
      }
    } catch (error) {
      if (error instanceof PlainFailure) return plain(error.status, error.message, `${error.message}\n`)
      if (error instanceof GatewayFailure) return { status: error.status, reason: error.message }
      const known = error instanceof ApiError ? error : failure(`internal error of the lab: ${String(error)}`)
      if (known.status === 401) await this.#delay()
      // Before a call is known to be allowed, a 401 has no body; a failed login has one.
      if (known.status === 401 && !known.message.endsWith('\n')) return { status: 401, reason: known.message }
      status = known.status
      reason = reasonOf(known.message)
      envelope = { data: null, message: known.message }
      if (known.errors !== undefined) envelope['errors'] = known.errors
      // The body tells since pve-http-server 5.2.0, which came with 8.3.
      const [major = 0, minor = 0] = this.#world.version.split(/[.-]/).map(Number)
      const old = major < 8 || (major === 8 && minor < 3)
      if (old || actions.some((action) => action.kind === 'without-message')) delete envelope['message']
    }
    return this.#written(format, status, reason, envelope, progress.relayed)
  }

  #written(
    format: string,
    status: number,
    reason: string,
    envelope: Record<string, unknown>,
    relayed: boolean,
  ): HttpAnswer {
    if (format !== 'extjs') {
      return { status, reason, body: JSON.stringify(envelope), contentType: JSON_TYPE, relayed }
    }
    // The code is a string in errors, as Perl's parsed status line leaves it.
    const wrapped =
      status === 200 ? { success: 1, status: 200, ...envelope } : { success: 0, status: String(status), ...envelope }
    return { status: 200, reason: 'OK', body: JSON.stringify(wrapped), contentType: JSON_TYPE, relayed }
  }

  #caller(request: HttpRequest, path: string, endpoint: Endpoint | undefined): Caller {
    if (endpoint?.world === true) return { who: '', viaToken: false }
    return authenticate(this.#world, request.headers, request.method !== 'GET', path.endsWith('/upload'))
  }

  #find(method: string, path: string): Found | undefined {
    for (const route of this.#routes) {
      if (route.endpoint.method !== method) continue
      const match = route.pattern.exec(path)
      if (match === null) continue
      return { route, inPath: Object.fromEntries(route.names.map((name, index) => [name, match[index + 1] ?? ''])) }
    }
    return undefined
  }

  async #execute(
    request: HttpRequest,
    path: string,
    rawQuery: string,
    caller: Caller,
    found: Found | undefined,
    seen: SeenRequest,
    progress: { relayed: boolean },
  ): Promise<unknown> {
    const isRaw = (request.headers.get('content-type') ?? '').startsWith('application/json')
    // A body that isn't JSON although it says so is refused while reading, before anything is looked up.
    const given = isRaw ? bodyParameters(request) : {}
    if (found === undefined) throw new ApiError(501, `Method '${request.method} ${path}' not implemented`)
    const { route, inPath } = found
    const { endpoint } = route
    if (endpoint.noTokens === true && caller.viaToken) {
      throw permissionError(`URI '${path}' not available with API token, need proper ticket.\n`)
    }
    if (endpoint.permission !== undefined) {
      const [where, ...anyOf] = endpoint.permission
      require(this.#world.site, caller.who, where.replace(
        /\{(\w+)\}/g,
        (_all, name: string) => inPath[name] ?? '',
      ), ...anyOf)
    }
    const node = this.#executingNode(inPath['node'])
    if (this.daemonDown && endpoint.relayed === true) throw new GatewayFailure(595, 'Connection refused')
    progress.relayed = endpoint.relayed === true
    const raw: Record<string, RawValue> = { ...(isRaw ? given : bodyParameters(request)), ...decodeForm(rawQuery) }
    for (const [name, value] of Object.entries(inPath)) {
      const given = raw[name]
      if (given !== undefined && given !== null && JSON.stringify(given).replaceAll('"', '') !== value) {
        throw parameterError({ [name]: 'duplicate parameter (already defined in URI) with conflicting values!' })
      }
      raw[name] = value
    }
    const implied: ParameterTable = Object.fromEntries(
      route.names.map((name) => [name, PATH_PARAMETERS[name] ?? { type: 'string' }]),
    )
    const values = checkParameters({ ...implied, ...endpoint.parameters }, raw)
    const { password: _secret, ...shown } = values
    seen.parameters = shown
    return await endpoint.run({ world: this.#world, caller, values, node })
  }

  /** Calls for another node are relayed to it: its name must resolve and the node must answer. */
  #executingNode(name: string | undefined): string {
    const first = this.#world.site.nodes[0]?.name ?? 'localhost'
    if (name === undefined || name === 'localhost') return first
    const node = findNode(this.#world, name)
    if (node === undefined) {
      throw failure(
        `hostname lookup '${name}' failed - failed to get address info for: ${name}: Name or service not known`,
      )
    }
    if (!node.online) throw new GatewayFailure(595, node.refusal)
    return name
  }

  async #delay(): Promise<void> {
    const seconds = this.#world.unauthorizedDelaySeconds
    if (seconds > 0) await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
  }
}

const PATH_PARAMETERS: ParameterTable = {
  node: { type: 'string', format: 'pve-node' },
  vmid: { type: 'integer', format: 'pve-vmid', minimum: 100, maximum: 999_999_999 },
  storage: { type: 'string', format: 'pve-storage-id' },
}

/** Not the API: the browser's pages, which a lab doesn't have. */
function outside(path: string): HttpAnswer {
  if (path === '/') {
    const text = 'file error - /usr/share/pve-manager/index.html.tpl: not found'
    return plain(500, text, `${text}\n`)
  }
  return plain(500, `no such file '${reasonOf(path)}'`, `no such file '${path}'\n`)
}

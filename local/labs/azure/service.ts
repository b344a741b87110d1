/** What a request is, and what the subscription answers: nothing here knows of sockets. */
import { type Answer, type Incoming, jsonAnswer } from './answers.ts'
import { jsonOf } from './arm/call.ts'
import { type Route, ROUTES } from './arm/routes.ts'
import { shapeOf, type Target, targetOf } from './arm/target.ts'
import { type BlobCall, blobCallOf, serveBlob } from './blobs/serve.ts'
import { changedCase } from './case.ts'
import { callerOf, issueToken, openIdConfiguration } from './entra.ts'
import { byPolicy, forbidden, groupNotFound, Refusal } from './errors.ts'
import { allows } from './rights.ts'
import type { LabState } from './world.ts'

export type Asked =
  | { service: 'blob'; call: BlobCall }
  | { service: 'arm'; call: string; target?: Target; route?: Route }
  | { service: 'entra'; call: string; tenant: string }

/** What is asked for, before anybody looks at whether it may be. */
export function askedOf(incoming: Incoming): Asked {
  const { method, url } = incoming
  const path = decodeURIComponent(url.pathname)
  const [, tenant = '', ...rest] = path.split('/')
  if (path.startsWith('/md-')) return { service: 'blob', call: blobCallOf(incoming) }
  if (method === 'POST' && rest.join('/').toLowerCase() === 'oauth2/v2.0/token')
    return { service: 'entra', call: 'token', tenant }
  if (rest.join('/').toLowerCase() === 'v2.0/.well-known/openid-configuration')
    return { service: 'entra', call: 'openIdConfiguration', tenant }
  const target = targetOf(method, url.pathname)
  const route = target === undefined ? undefined : ROUTES.get(shapeOf(method, target))
  return {
    service: 'arm',
    call: route?.name ?? 'unknown',
    ...(target === undefined ? {} : { target }),
    ...(route === undefined ? {} : { route }),
  }
}

function scopeOf({ url }: Incoming, { group, subscription, verb }: Target): string {
  const path = decodeURIComponent(url.pathname)
  if (group === undefined) return `/subscriptions/${subscription}`
  return verb === undefined ? path : path.slice(0, path.lastIndexOf('/'))
}

/** @throws Refusal for a version that this part of Azure doesn't have */
function needVersion({ api }: Route, given: string | null): string {
  if (given === null)
    throw new Refusal(
      400,
      'MissingApiVersionParameter',
      'The api-version query parameter (?api-version=) is required for all requests.',
    )
  if (api !== undefined && given !== api)
    throw new Refusal(
      400,
      'NoRegisteredProviderFound',
      `No registered resource provider found for API version '${given}'. The supported api-versions are '${api}'.`,
    )
  return given
}

function needRoute(incoming: Incoming, { target, route }: { target?: Target; route?: Route }): [Target, Route] {
  if (target === undefined || route === undefined)
    throw new Refusal(404, 'NotFound', `The lab doesn't have ${incoming.method} ${incoming.url.pathname}.`)
  return [target, route]
}

function checkPlace({ world }: LabState, target: Target, route: Route): void {
  if (target.subscription.toLowerCase() !== world.subscription.toLowerCase())
    throw new Refusal(404, 'SubscriptionNotFound', `The subscription '${target.subscription}' could not be found.`)
  const groups = route.name.startsWith('resourceGroups.')
  if (target.group !== undefined && !groups && !world.groups.has(target.group.toLowerCase()))
    throw groupNotFound(target.group)
}

function checkPolicies({ world }: LabState, route: Route, name: string): void {
  const policy = world.policies.find((one) => one.call === route.name && one.times > 0)
  if (policy === undefined) return
  policy.times -= 1
  throw byPolicy(name, policy.name)
}

function serveArm(state: LabState, incoming: Incoming, asked: { target?: Target; route?: Route }): Answer {
  const client = callerOf(state.world, incoming.headers.authorization)
  const [target, route] = needRoute(incoming, asked)
  const api = needVersion(route, incoming.url.searchParams.get('api-version'))
  const scope = scopeOf(incoming, target)
  if (route.action !== undefined && !allows(client.role, route.action, scope))
    throw forbidden(client.clientId, route.action, scope)
  checkPlace(state, target, route)
  checkPolicies(state, route, target.names.at(-1) ?? '')
  const call = {
    state,
    world: state.world,
    name: route.name,
    target,
    path: incoming.url.pathname,
    query: incoming.url.searchParams,
    body: jsonOf(incoming.body),
    api,
  }
  const { status, headers, body } = route.act(call, client)
  state.answers += 1
  const shown = state.world.settings.changeCase ? changedCase(body, state.answers) : body
  return jsonAnswer(status, shown, { 'x-ms-ratelimit-remaining-subscription-reads': '11999', ...headers })
}

function serveEntra(state: LabState, { body }: Incoming, { call, tenant }: { call: string; tenant: string }): Answer {
  if (call === 'openIdConfiguration') return jsonAnswer(200, openIdConfiguration(state.url, tenant))
  return jsonAnswer(200, issueToken(state.world, tenant, new URLSearchParams(Buffer.from(body).toString('utf8'))))
}

/** @throws Refusal as the service refuses */
export function serve(state: LabState, incoming: Incoming, asked: Asked, whole: boolean): Answer {
  if (asked.service === 'blob') return serveBlob(state, incoming, asked.call, whole)
  return asked.service === 'arm' ? serveArm(state, incoming, asked) : serveEntra(state, incoming, asked)
}

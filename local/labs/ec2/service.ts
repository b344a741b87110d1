/** From a request to an answer: which service, which action, who asks, what is done. */
import type { Connections } from '../shared/count-connections.ts'
import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { ACTIONS } from './actions/all.ts'
import { type Answer, ec2Answer, jsonAnswer, refusalAnswer, stsAnswer } from './answers.ts'
import { callerOf } from './caller.ts'
import type { DirectCall } from './direct/call.ts'
import { type DirectRoute, directRoute } from './direct/routes.ts'
import type { Tokens } from './direct/tokens.ts'
import { ec2, Refusal, type ServiceName, throttled } from './errors.ts'
import type { Faults } from './faults.ts'
import { type Authorize, Rights } from './rights.ts'
import { STS_ACTIONS } from './sts.ts'
import { Parameters } from './wire.ts'
import type { LabCredential, Region, World } from './world.ts'

export interface LabState {
  world: World
  faults: Faults
  tokens: Tokens
  authorize: Authorize
  checkDates: boolean
  /** Every block that was served, in order. */
  blocksRead: { snapshotId: string; index: number }[]
  /** Blocks that were read or written in the second that is. */
  pace: { second: number; blocks: number }
  connections: Connections
}

export interface Incoming {
  method: string
  target: string
  headers: IncomingHttpHeaders
  body: Uint8Array
}

/** What is asked, before anybody looked at who asks. */
export interface Asked {
  service: ServiceName
  action: string
  route?: DirectRoute
  form?: URLSearchParams
}

const VERSIONS: Record<string, ServiceName> = { '2016-11-15': 'ec2', '2011-06-15': 'sts' }

export function askedOf({ method, target, headers, body }: Incoming): Asked {
  const [path = '/'] = target.split('?')
  if (path !== '/') {
    const route = directRoute(method, path)
    return { service: 'ebs', action: route?.name ?? '', ...(route === undefined ? {} : { route }) }
  }
  const isForm = String(headers['content-type']).startsWith('application/x-www-form-urlencoded')
  const form = new URLSearchParams(isForm ? Buffer.from(body).toString('utf8') : '')
  return { service: VERSIONS[form.get('Version') ?? ''] ?? 'ec2', action: form.get('Action') ?? '', form }
}

/** Wrong bytes under a right sum, or right bytes under a wrong one; as the test wants it, as often as it wants it. */
function serving({ faults, blocksRead }: LabState): DirectCall['serve'] {
  return (snapshotId, index, bytes) => {
    blocksRead.push({ snapshotId, index })
    const sumOf = (of: Uint8Array): string => createHash('sha256').update(of).digest('base64')
    const wrong = faults.wrongBlocks.get(`${snapshotId}/${index}`)
    if (wrong === undefined || wrong.left < 1) return { bytes, sum: sumOf(bytes) }
    wrong.left -= 1
    const other = Uint8Array.from(bytes)
    other[100] = (other[100] ?? 0) ^ 0x40
    return { bytes: other, sum: wrong.how === 'sum' ? sumOf(bytes) : sumOf(other) }
  }
}

/** @throws Refusal when this second had all the blocks that it may have */
function checkPace({ world, pace }: LabState, action: string): void {
  if (action !== 'GetSnapshotBlock' && action !== 'PutSnapshotBlock') return
  const second = Math.floor(world.now().getTime() / 1000)
  pace.blocks = second === pace.second ? pace.blocks + 1 : 1
  pace.second = second
  if (pace.blocks > world.settings.blocksPerSecond) throw throttled('ebs')
}

function direct(state: LabState, asked: Asked, incoming: Incoming, region: Region, rights: Rights, id: string): Answer {
  const { route } = asked
  if (route === undefined) throw new Refusal(404, 'UnknownOperationException', 'The path or the method is unknown.')
  checkPace(state, route.name)
  const { operation, ...where } = route
  const query = new URLSearchParams(incoming.target.split('?')[1] ?? '')
  const { world, tokens } = state
  const { headers, body } = incoming
  const call = { world, tokens, region, rights, query, headers, body, ...where, serve: serving(state) }
  const { status, headers: more = {}, json, bytes } = operation(call)
  if (bytes === undefined) return jsonAnswer(status, id, json ?? {}, more)
  return {
    status,
    headers: { 'content-type': 'application/octet-stream', 'x-amzn-requestid': id, ...more },
    body: bytes,
  }
}

function answered(
  state: LabState,
  asked: Asked,
  incoming: Incoming,
  { caller, region, id }: { caller: LabCredential; region: string; id: string },
): Answer {
  const { service, action, form = new URLSearchParams() } = asked
  const { world } = state
  const rights = new Rights(service, caller, region, state.authorize)
  const parameters = new Parameters(form)
  if (service === 'sts') {
    const known = STS_ACTIONS.get(action)
    if (known === undefined) throw new Refusal(400, 'InvalidAction', `Could not find operation ${action}`)
    return stsAnswer(action, known({ world, name: action, parameters, caller, rights }), id)
  }
  const place = world.regions.get(region)
  if (place === undefined) throw ec2('AuthFailure', 'The Region is unknown.', 401)
  if (service === 'ebs') return direct(state, asked, incoming, place, rights, id)
  const known = ACTIONS.get(action)
  if (known === undefined || form.get('Version') !== '2016-11-15')
    throw ec2('InvalidAction', `The action ${action} is not valid for this web service.`)
  return ec2Answer(action, known({ world, region: place, name: action, parameters, caller, rights }), id)
}

/** The answer to a request, refusals included; and who asked where, as far as that is known. */
export function serve(
  state: LabState,
  asked: Asked,
  incoming: Incoming,
  id: string,
): { answer: Answer; who: string; region: string } {
  let [who, region] = ['', '']
  try {
    const { claim, caller } = callerOf(state.world, asked.service, incoming, state.checkDates)
    who = claim.accessKeyId
    region = claim.region
    return { answer: answered(state, asked, incoming, { caller, region, id }), who, region }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return { answer: refusalAnswer(asked.service, error, id), who, region }
  }
}

/** One SOAP call, from the bytes of its request to those of its answer. */
import { METHODS } from './methods/all.ts'
import type { Call, Method } from './methods/call.ts'
import { findObject } from './properties/objects.ts'
import { answerEnvelope, callOf, faultEnvelope } from './wire/envelope.ts'
import { invalidRequest, methodNotFound, notAuthenticated, objectNotFound, VimFault } from './wire/faults.ts'
import { checkCall } from './wire/schema.ts'
import { ref } from './wire/values.ts'
import { type Element, NoXml } from './wire/xml.ts'
import { demand } from './world/rights.ts'
import { isFull } from './world/sessions.ts'
import type { Product, Session, World } from './world/world.ts'

export interface SoapAnswer {
  status: number
  body: string
  /** Secret of a new session. */
  cookie?: string
}

export interface SoapRequest {
  body: string
  action: string | undefined
  session: Session | undefined
  userAgent: string
}

/** Versions of the API from the server's own down. */
export function versionsOf({ product }: { product: Pick<Product, 'apiVersion'> }): string[] {
  const known = ['8.0.3.0', '8.0.2.0', '8.0.1.0', '8.0.0.1', '7.0.3.0', '7.0', '6.7', '6.5', '6.0', '5.5']
  return [...new Set([product.apiVersion, ...known.filter((each) => isAtMost(each, product.apiVersion))])]
}

function isAtMost(version: string, most: string): boolean {
  const [a, b] = [version.split('.').map(Number), most.split('.').map(Number)]
  for (let index = 0; index < 4; index += 1) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0)
    if (difference !== 0) return difference < 0
  }
  return true
}

/** The version of the API that the client speaks. */
export function spoken(world: Parameters<typeof versionsOf>[0], action: string | undefined): string {
  const uri = /^"?(urn:vim25\/([\d.]+))"?$/.exec(action ?? '')
  if (uri === null)
    throw invalidRequest(
      action === undefined || action === '""' || action === ''
        ? '\nHTTP header "SOAPAction" is missing\n\nwhile parsing HTTP request\n'
        : `\nUnsupported namespace "${action}"\n\nwhile parsing SOAP body\n`,
    )
  if (!versionsOf(world).includes(uri[2] ?? ''))
    throw invalidRequest(`\nUnsupported version URI "${uri[1]}"\n\nwhile parsing SOAP body\n`)
  return uri[2] ?? ''
}

function receiver(input: Element): { type: string; id: string } {
  const self = input.child('_this')
  if (self === undefined) throw invalidRequest('\nRequired property _this is missing\n\nwhile parsing SOAP body\n')
  return { type: self.attributes['type'] ?? '', id: self.text }
}

function prepared(
  world: World,
  method: Method,
  { session, userAgent, version }: SoapRequest & { version: string },
  input: Element,
): Call {
  const target = receiver(input)
  const self = ref(target.type, target.id)
  if (!method.on.includes(target.type)) throw methodNotFound(self, input.name)
  if (session === undefined && method.open !== true) throw notAuthenticated(self)
  const object = findObject(world, session, target.type, target.id)
  if (object === undefined) throw objectNotFound(self)
  checkCall(input, method.parameters)
  const entry = object.ownerId === undefined ? undefined : world.entries.get(object.ownerId)
  if (method.privilege !== undefined && session !== undefined && entry !== undefined)
    demand(world, session.user, entry, method.privilege)
  return { world, method: input.name, target, input, session, userAgent, version }
}

export function inputOf(body: string): Element {
  try {
    return callOf(body)
  } catch (error) {
    if (error instanceof NoXml) throw invalidRequest(error.message)
    throw error
  }
}

/** The method that a request calls, as far as that can be seen. */
export function methodIn(body: string): string {
  return /<(?:\w+:)?Body[^>]*>\s*<(?:\w+:)?(\w+)/.exec(body)?.[1] ?? ''
}

export function soap(world: World, request: SoapRequest): SoapAnswer {
  try {
    const input = inputOf(request.body)
    const version = spoken(world, request.action)
    const method = METHODS.get(input.name)
    if (method === undefined) {
      const { type, id } = receiver(input)
      throw methodNotFound(ref(type, id), input.name)
    }
    if (input.name === 'Login' && isFull(world)) return { status: 503, body: '' }
    const call = prepared(world, method, { ...request, version }, input)
    const value = method.run(call)
    return {
      status: 200,
      body: answerEnvelope(input.name, value),
      ...(call.cookie === undefined ? {} : { cookie: call.cookie }),
    }
  } catch (error) {
    if (!(error instanceof VimFault)) throw error
    return { status: 500, body: faultEnvelope(error) }
  }
}

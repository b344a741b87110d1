/** Faults of the server: of a call (HTTP 500), of a property (inside a 200), and of a task. */
import { childOf, childrenOf, type Ref, refOf, textOf, typeOf, type Xml } from './xml.ts'

export class VimFault extends Error {
  override readonly name = 'VimFault'
  /** As `InvalidLogin`; empty where nothing says. */
  readonly type: string
  /** The fault's own fields, as `privilegeId`. */
  readonly detail: Xml

  constructor(type: string, message: string, detail: Xml) {
    super(message)
    this.type = type
    this.detail = detail
  }

  /** Type and text, for the middle of a sentence. */
  get said(): string {
    const text = this.message.replace(/\.$/, '')
    return text === '' || text === this.type ? this.type : `${this.type}: ${text}`
  }

  /** The right that is missing, and on what. */
  get privilege(): { privilegeId: string; object: Ref | undefined } | undefined {
    const privilegeId = textOf(childOf(this.detail, 'privilegeId'))
    return privilegeId === '' ? undefined : { privilegeId, object: refOf(childOf(this.detail, 'object')) }
  }
}

/** Something answered that is no SOAP, or the fault's form is not known. */
export class NotVim extends Error {
  override readonly name = 'NotVim'
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** No whole answer came. `sent` is false when provably not a byte of the request left. */
export class NoVimAnswer extends Error {
  override readonly name = 'NoVimAnswer'
  readonly sent: boolean

  constructor(sent: boolean, cause: Error) {
    super(cause.message, { cause })
    this.sent = sent
  }
}

/** Of `soapenv:Fault`: its detail has one element, named `<Type>Fault` and typed `<Type>`. */
export function faultOfCall(fault: Xml): VimFault {
  const detail = childOf(fault, 'detail')
  const [name, content] = onlyElement(detail)
  const type = typeOf(content) || name.replace(/^.*:/, '').replace(/Fault$/, '')
  return new VimFault(type, textOf(childOf(fault, 'faultstring')) || type, content)
}

/** Of `LocalizedMethodFault`, in a task or in a `missingSet`. */
export function localizedFault(xml: Xml | undefined): VimFault {
  const fault = childOf(xml, 'fault') ?? ''
  const type = typeOf(fault)
  // Some faults say in `faultMessage` what happened, and the text is empty.
  const texts = childrenOf(fault, 'faultMessage').map((one) => textOf(childOf(one, 'message')))
  const text = textOf(childOf(xml, 'localizedMessage')) || texts.find((one) => one !== '') || type
  return new VimFault(type, text, fault)
}

function onlyElement(detail: Xml | undefined): [string, Xml] {
  if (detail === undefined || typeof detail === 'string') return ['', '']
  const [name = ''] = Object.keys(detail)
  return [name, childOf(detail, name) ?? '']
}

/** The session isn't there any more: the same call succeeds after a login. */
export function isSessionOver(error: unknown): boolean {
  return error instanceof VimFault && error.type === 'NotAuthenticated'
}

/** What was named doesn't exist any more: of something to be removed, that is what was wanted. */
export function isGone(error: unknown): boolean {
  return error instanceof VimFault && error.type === 'ManagedObjectNotFound'
}

const PASSING_FAULTS = new Set([
  'HostCommunication',
  'HostNotConnected',
  'HostNotReachable',
  'HostConnectFault',
  'RequestCanceled',
  'Timedout',
])

/** The same reading call may succeed later. */
export function isPassing(error: unknown): boolean {
  if (error instanceof NoVimAnswer) return true
  // vCenter answers 503 while it starts, and when it is out of sessions.
  if (error instanceof NotVim) return error.status >= 500 || error.status === 429 || error.status === 408
  return error instanceof VimFault && PASSING_FAULTS.has(error.type)
}

/** The envelope of SOAP, in and out. */
import type { VimFault } from './faults.ts'
import { elementOf, type Value } from './values.ts'
import { type Element, escapeXml, NoXml, parseXml } from './xml.ts'

const OPEN =
  '<?xml version="1.0" encoding="UTF-8"?>\n' +
  '<soapenv:Envelope xmlns:soapenc="http://schemas.xmlsoap.org/soap/encoding/"\n' +
  ' xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"\n' +
  ' xmlns:xsd="http://www.w3.org/2001/XMLSchema"\n' +
  ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">\n' +
  '<soapenv:Body>\n'
const CLOSE = '\n</soapenv:Body>\n</soapenv:Envelope>'

/** A call of our own in its envelope. */
export const envelopeOf = (call: string): string => `${OPEN}${call}${CLOSE}`

/** The call in the body, or why there is none. */
export function callOf(text: string): Element {
  const root = parseXml(text)
  const [call, ...more] = root.child('Body')?.children ?? []
  if (root.name !== 'Envelope' || call === undefined || more.length > 0)
    throw new NoXml(`Expected element tag "Envelope" with one call in its "Body", not "${root.name}"`)
  return call
}

/** The answer of a method; without a value it is an empty element. */
export function answerEnvelope(method: string, value: Value | undefined): string {
  const inside = value === undefined ? '' : elementOf('returnval', value)
  return `${OPEN}<${method}Response xmlns="urn:vim25">${inside}</${method}Response>${CLOSE}`
}

export function rawEnvelope(inside: string): string {
  return `${OPEN}${inside}${CLOSE}`
}

export function faultEnvelope({ type, fields, message }: VimFault): string {
  const inside = Object.entries(fields)
    .map(([name, field]) => (field === undefined ? '' : elementOf(name, field)))
    .join('')
  return (
    `${OPEN}<soapenv:Fault><faultcode>ServerFaultCode</faultcode><faultstring>${escapeXml(message)}</faultstring>` +
    `<detail><${type}Fault xmlns="urn:vim25" xsi:type="${type}">${inside}</${type}Fault></detail></soapenv:Fault>${CLOSE}`
  )
}

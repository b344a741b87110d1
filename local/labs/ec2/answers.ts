/** The wire form of answers, by service. */
import type { Refusal, ServiceName } from './errors.ts'
import { document, element, type XmlValue } from './wire.ts'

export interface Answer {
  status: number
  headers: Record<string, string>
  body: Uint8Array
}

const EC2_SPACE = ' xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"'
const STS_SPACE = ' xmlns="https://sts.amazonaws.com/doc/2011-06-15/"'

function xml(status: number, requestId: string, text: string, type = 'text/xml;charset=UTF-8'): Answer {
  return { status, headers: { 'content-type': type, 'x-amzn-requestid': requestId }, body: Buffer.from(document(text)) }
}

export const ec2Answer = (action: string, content: { readonly [name: string]: XmlValue }, requestId: string): Answer =>
  xml(200, requestId, element(`${action}Response`, { requestId, ...content }, EC2_SPACE))

export const stsAnswer = (action: string, content: XmlValue, requestId: string): Answer =>
  xml(
    200,
    requestId,
    element(
      `${action}Response`,
      { [`${action}Result`]: content, ResponseMetadata: { RequestId: requestId } },
      STS_SPACE,
    ),
    'text/xml',
  )

export function refusalAnswer(service: ServiceName, refusal: Refusal, requestId: string): Answer {
  const { status, code, message, reason } = refusal
  if (service === 'ec2') {
    const error = `<Errors><Error>${element('Code', code)}${element('Message', message)}</Error></Errors>`
    return xml(status, requestId, `<Response>${error}<RequestID>${requestId}</RequestID></Response>`)
  }
  if (service === 'sts') {
    const error = { Type: status < 500 ? 'Sender' : 'Receiver', Code: code, Message: message }
    const content = { Error: error, RequestId: requestId }
    return xml(status, requestId, element('ErrorResponse', content, STS_SPACE), 'text/xml')
  }
  return jsonAnswer(
    status,
    requestId,
    { Message: message, ...(reason === undefined ? {} : { Reason: reason }) },
    {
      'x-amzn-errortype': code,
    },
  )
}

export function jsonAnswer(
  status: number,
  requestId: string,
  content: Record<string, unknown>,
  headers: Record<string, string> = {},
): Answer {
  return {
    status,
    headers: { 'content-type': 'application/json', 'x-amzn-requestid': requestId, ...headers },
    body: Buffer.from(JSON.stringify(content)),
  }
}

/** What stands in the way says something to people. */
export const pageAnswer = (status: number): Answer => ({
  status,
  headers: { 'content-type': 'text/html' },
  body: Buffer.from(
    '<!DOCTYPE html><html><head><title>Notice</title></head><body><h1>Please log in</h1></body></html>',
  ),
})

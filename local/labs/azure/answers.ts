/** What goes over the wire, and the shapes that refusals have there. */
import type { IncomingHttpHeaders } from 'node:http'
import { EntraRefusal } from './entra.ts'
import type { Refusal, Service } from './errors.ts'

export interface Incoming {
  method: string
  url: URL
  headers: IncomingHttpHeaders
  body: Uint8Array
}

export interface Answer {
  status: number
  headers: Record<string, string>
  body: Uint8Array
}

const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' }

export const jsonAnswer = (status: number, body: unknown, headers: Record<string, string> = {}): Answer => ({
  status,
  headers: { ...(body === undefined ? {} : JSON_TYPE), ...headers },
  body: body === undefined ? new Uint8Array() : Buffer.from(JSON.stringify(body)),
})

/** As the service would say it. */
export function refusalAnswer(service: Service, refusal: Refusal, id: string, now: Date): Answer {
  const { status, code, message, headers } = refusal
  if (service === 'arm') return jsonAnswer(status, { error: { code, message } }, headers)
  if (service === 'entra') {
    const numbers = refusal instanceof EntraRefusal ? { error_codes: [refusal.number] } : {}
    return jsonAnswer(status, { error: code, error_description: message, ...numbers, correlation_id: id }, headers)
  }
  const told = `${message}\nRequestId:${id}\nTime:${now.toISOString()}`
  const body = `<?xml version="1.0" encoding="utf-8"?><Error><Code>${code}</Code><Message>${told}</Message></Error>`
  return {
    status,
    headers: { 'content-type': 'application/xml', 'x-ms-error-code': code, ...headers },
    body: Buffer.from(body),
  }
}

/** A page for people, as a proxy shows it. */
export const pageAnswer = (status: number): Answer => ({
  status,
  headers: { 'content-type': 'text/html; charset=utf-8' },
  body: Buffer.from('<!DOCTYPE html><html><head><title>Sign in</title></head><body>Sign in to go on.</body></html>'),
})

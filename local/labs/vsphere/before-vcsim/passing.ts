/** What is passed on of requests and answers, and how the cookie looks on either side. */
import type { Incoming, Outgoing } from '../wire/exchange.ts'
import type { Answer, Headers } from './upstream.ts'

const COOKIE = /vmware_soap_session="([^";]*)"/

/** The simulator's cookie has no quotes, as it would have on a vCenter. */
export function passedOn({ headers }: Incoming): Headers {
  const kept: Headers = {}
  for (const name of [
    'content-type',
    'soapaction',
    'range',
    'authorization',
    'vmware-api-session-id',
    'if-unmodified-since',
    'user-agent',
  ]) {
    const value = headers[name]
    if (typeof value === 'string') kept[name] = value
  }
  const secret = COOKIE.exec(headers.cookie ?? '')?.[1]
  if (secret !== undefined) kept['cookie'] = `vmware_soap_session=${secret}`
  return kept
}

export function outgoing({ status, headers, body }: Answer): Outgoing {
  const kept: Headers = {}
  for (const name of ['content-type', 'content-range', 'accept-ranges', 'last-modified', 'content-length']) {
    const value = headers[name]
    if (typeof value === 'string') kept[name] = value
  }
  const cookie = headers['set-cookie']?.[0]
  const secret = /^vmware_soap_session=([^;]+)/.exec(cookie ?? '')?.[1]
  if (secret !== undefined) kept['set-cookie'] = `vmware_soap_session="${secret}"; Path=/; HttpOnly; Secure; `
  else if (cookie !== undefined) kept['set-cookie'] = cookie
  return { status, headers: kept, body }
}

/** Requests as tests compare them with recordings. Nothing secret is kept. */
import type { Incoming } from './answers.ts'
import type { SeenCall } from './faults.ts'
import type { Asked } from './service.ts'

const HIDDEN = '<hidden>'
const SECRET_FIELDS = ['client_secret', 'client_assertion', 'sig']
const LEFT_OUT = ['user-agent', 'date', 'content-length', 'connection', 'accept-encoding', 'transfer-encoding']

const hidden = (pairs: Iterable<[string, string]>): Record<string, string> =>
  Object.fromEntries([...pairs].map(([key, value]) => [key, SECRET_FIELDS.includes(key) ? HIDDEN : value]))

function headersOf({ headers }: Incoming): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers)
      .filter(([name, value]) => typeof value === 'string' && !LEFT_OUT.includes(name))
      .map(([name, value]) => {
        if (name === 'authorization') return [name, 'Bearer <hidden>']
        return [name, String(value).replaceAll(/([?&]sig=)[^&]*/g, `$1${HIDDEN}`)]
      }),
  )
}

function bodyOf({ headers, body }: Incoming): Pick<SeenCall, 'json' | 'form' | 'bytes'> {
  const type = headers['content-type'] ?? ''
  if (body.length === 0) return {}
  const text = (): string => Buffer.from(body).toString('utf8')
  if (type.startsWith('application/x-www-form-urlencoded')) return { form: hidden(new URLSearchParams(text())) }
  if (!type.startsWith('application/json')) return { bytes: body.length }
  try {
    return { json: JSON.parse(text()) as unknown }
  } catch {
    return { bytes: body.length }
  }
}

export function seenOf(incoming: Incoming, { service, call }: Asked): SeenCall {
  const { method, url } = incoming
  return {
    service,
    call,
    method,
    path: url.pathname,
    query: hidden(url.searchParams),
    headers: headersOf(incoming),
    ...bodyOf(incoming),
    status: 0,
  }
}

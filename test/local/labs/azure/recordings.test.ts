/**
 * What Microsoft's clients sent when they were recorded, sent to the lab in the same order: it answers with the same
 * status, and with every field that those clients got. Recordings of page blobs are of another server and not in it.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { type Answered, type Bed, labBed, PROD, send, WEB1 } from './client.ts'

interface Exchange {
  request: {
    method: string
    path: string
    query: Record<string, string>
    json?: unknown
    form?: Record<string, string>
  }
  response: { status: number; headers: Record<string, string>; body: string }
}

const directory = fileURLToPath(new URL('../../../../../shared/azure-transcripts', import.meta.url))
const index = join(directory, 'INDEX.md')
const hasRecordings = existsSync(index)
if (!hasRecordings) console.warn('skipped: no recordings of Azure')

/** In the order in which they were made. */
const files = hasRecordings
  ? [...readFileSync(index, 'utf8').matchAll(/^\| ([\w-]+\.json) \|/gm)].map(([, file = '']) => file)
  : []
const exchangesOf = (file: string): Exchange[] =>
  (JSON.parse(readFileSync(join(directory, file), 'utf8')) as { exchanges: Exchange[] }).exchanges

/** The recorder's double gave lists of other fields than the facts say, and refused a second point at any time. */
const LEFT_OUT = /^(?:page-blob|vm-list|rp-create-concurrent|identity-client-assertion)/

/** Paths of fields, as `properties.source.id`. */
function fieldsOf(value: unknown, at = ''): string[] {
  if (Array.isArray(value)) return value.slice(0, 1).flatMap((each) => fieldsOf(each, `${at}[]`))
  if (typeof value !== 'object' || value === null) return [at]
  return Object.entries(value).flatMap(([key, each]) => fieldsOf(each, at === '' ? key : `${at}.${key}`))
}

const HEADERS = ['azure-asyncoperation', 'location', 'retry-after']

function shapeOf(status: number, headers: Record<string, string>, body: string): string[] {
  const fields = body.startsWith('{') ? fieldsOf(JSON.parse(body)) : []
  return [`status ${status}`, ...HEADERS.filter((name) => headers[name] !== undefined), ...fields]
}

/** Names and addresses that the lab chose for itself take the place of recorded ones. */
function urlFor(bed: Bed, { path, query }: Exchange['request'], last: Answered | undefined): string {
  if (path.startsWith('/operations/'))
    return (query['monitor'] === 'true' ? last?.headers['location'] : last?.headers['azure-asyncoperation']) ?? ''
  const disks = [...(bed.lab.control.collections()[0]?.points.values() ?? [])].flatMap((point) => point.disks)
  const own = path.replace(/\/diskRestorePoints\/\w+/, `/diskRestorePoints/${disks[0]?.name}`)
  return `${bed.lab.url}${own}?${new URLSearchParams(query).toString()}`
}

function replayed(bed: Bed, { request }: Exchange, last: Answered | undefined): Promise<Answered> {
  const { method, json, form } = request
  const url = urlFor(bed, request, last)
  const headers = { 'content-type': form === undefined ? 'application/json' : 'application/x-www-form-urlencoded' }
  const body = form === undefined ? JSON.stringify(json) : new URLSearchParams(form).toString()
  if (form !== undefined) return send(bed.lab.ca, url, { method, headers, body })
  return bed.get(url, { method, headers, ...(json === undefined ? {} : { body }) })
}

it.skipIf(!hasRecordings)('answers recorded requests with the same status and every recorded field', async () => {
  const ids = { tenant: '99999999-9999-9999-9999-999999999999', subscription: '11111111-1111-1111-1111-111111111111' }
  const clientId = '88888888-8888-8888-8888-888888888888'
  const clients = [{ clientId, secret: 'dummy-secret', role: { Actions: ['*'] } }]
  const bed = await labBed({ ...ids, clients, vms: [WEB1] })
  const { control } = bed.lab
  const wrong: string[] = []
  let compared = 0
  for (const file of files.filter((each) => !LEFT_OUT.test(each))) {
    if (file.startsWith('throttled')) control.throttle('virtualMachines.get')
    if (file.startsWith('identity-wrong')) control.replaceSecret(clientId, 'another')
    let started: Answered | undefined
    for (const exchange of exchangesOf(file)) {
      const answer = await replayed(bed, exchange, started)
      if (answer.headers['azure-asyncoperation'] !== undefined) started = answer
      const has = shapeOf(answer.status, answer.headers, answer.text)
      const { status, headers, body } = exchange.response
      // The recorder's double gave the instance view unasked; Azure gives it where `$expand` wants it.
      const unasked = exchange.request.query['$expand'] === undefined ? 'properties.instanceView' : '\0'
      const lacks = shapeOf(status, headers, body).filter((field) => !has.includes(field) && !field.startsWith(unasked))
      wrong.push(
        ...lacks.map(
          (field) => `${file} ${exchange.request.method} ${exchange.request.path.split(PROD).at(-1)}: ${field}`,
        ),
      )
      compared += 1
    }
  }
  expect(wrong).toEqual([])
  expect(compared).toBeGreaterThan(70)
})

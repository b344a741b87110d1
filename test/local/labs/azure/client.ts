/** A lab, and a small client of it: plain requests over TLS, whose answers show as they came. */
import { request } from 'node:https'
import { onTestFinished } from 'vitest'
import { type AzureLab, type AzureLabOptions, startAzureLab } from '../../../../local/labs/azure/lab.ts'
import { MIB, scattered, seededContent } from '../../../../local/labs/azure/disks/content.ts'
import type { VmSpec } from '../../../../local/labs/azure/subscription.ts'

export interface Answered {
  status: number
  headers: Record<string, string>
  text: string
  bytes: Buffer
  json: Record<string, unknown>
}

export interface Sent {
  method?: string
  headers?: Record<string, string>
  body?: string | Uint8Array
}

/** @throws Node.js' own error where the connection ends */
export function send(ca: string, url: string, { method = 'GET', headers = {}, body }: Sent = {}): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, headers, ca, agent: false }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const bytes = Buffer.concat(chunks)
        const text = bytes.toString('utf8')
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers as Record<string, string>,
          bytes,
          text,
          json: text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {},
        })
      })
    })
    asked.on('error', reject)
    asked.end(body)
  })
}

/** `web1` with an OS disk and a data disk of 16 MiB each. */
export const WEB1: VmSpec = {
  name: 'web1',
  group: 'RG-PROD',
  zones: ['1'],
  tags: { backup: 'daily' },
  vmId: '22222222-2222-4222-8222-222222222222',
  disks: ['web1_OsDisk', 'web1_data'].map((name, seed) => ({
    name,
    sizeBytes: 16 * MIB,
    content: seededContent(scattered(16 * MIB, 4 * MIB), seed + 1),
  })),
}

export interface Bed {
  lab: AzureLab
  token: string
  /** A call of Resource Manager; the path follows the subscription's, `api` is ComputeRP's unless told. */
  arm: (method: string, path: string, more?: { api?: string; body?: unknown; query?: string }) => Promise<Answered>
  /** Follow an operation to its end; its last state, and what `Location` answers. */
  finish: (answer: Answered) => Promise<{ last: Answered; final: Answered }>
  get: (url: string, sent?: Sent) => Promise<Answered>
}

export const DISK = '2025-01-02'
export const PROD = '/resourceGroups/RG-PROD/providers/Microsoft.Compute'

export async function tokenOf(lab: AzureLab, form: Record<string, string> = {}): Promise<Answered> {
  const [client] = lab.clients
  const body = new URLSearchParams({
    client_id: client?.clientId ?? '',
    client_secret: client?.secret ?? '',
    grant_type: 'client_credentials',
    scope: 'https://management.azure.com/.default',
    ...form,
  })
  return send(lab.ca, `${lab.url}/${lab.tenant}/oauth2/v2.0/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: body.toString(),
  })
}

export async function labBed(options: AzureLabOptions = {}): Promise<Bed> {
  const lab = await startAzureLab({ vms: [WEB1], ...options })
  onTestFinished(() => lab.close())
  const token = (await tokenOf(lab)).json['access_token'] as string
  const authorization = `Bearer ${token}`
  const get = (url: string, sent: Sent = {}): Promise<Answered> =>
    send(lab.ca, url, { ...sent, headers: { authorization, ...sent.headers } })
  return {
    lab,
    token,
    get,
    arm: (method, path, { api = '2026-03-01', body, query = '' } = {}) =>
      get(`${lab.url}/subscriptions/${lab.subscription}${path}?api-version=${api}${query}`, {
        method,
        headers: { 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    finish: async (answer) => {
      let last = await get(answer.headers['azure-asyncoperation'] ?? '')
      for (let looks = 0; last.json['status'] === 'InProgress' && looks < 20; looks += 1)
        last = await get(answer.headers['azure-asyncoperation'] ?? '')
      return { last, final: await get(answer.headers['location'] ?? '') }
    },
  }
}

const vmId = (lab: AzureLab): string => `/subscriptions/${lab.subscription}${PROD}/virtualMachines/web1`

/** A collection of `web1`, and a point in it that is done. */
export async function pointOf(bed: Bed, name = 'run-1', properties: Record<string, unknown> = {}): Promise<Answered> {
  const collection = `${PROD}/restorePointCollections/guestlift-web1`
  const source = { location: 'westeurope', properties: { source: { id: vmId(bed.lab) } } }
  await bed.arm('PUT', collection, { body: source })
  return bed.arm('PUT', `${collection}/restorePoints/${name}`, { body: { properties } })
}

export interface Signed {
  path: string
  sas: string
}

/** A signature of the first disk of a new point. */
export async function signedPoint(bed: Bed): Promise<Signed> {
  await bed.finish(await pointOf(bed))
  const [disk] = [...(bed.lab.control.collections()[0]?.points.values() ?? [])][0]?.disks ?? []
  const path = (disk?.id ?? '').slice(`/subscriptions/${bed.lab.subscription}`.length)
  const begun = await bed.arm('POST', `${path}/beginGetAccess`, {
    api: DISK,
    body: { access: 'Read', durationInSeconds: 3600 },
  })
  const { final } = await bed.finish(begun)
  return { path, sas: final.json['accessSAS'] as string }
}

/** Recorded answers of VMware's own simulator, which lie beside the project: read there, never copied. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import * as z from 'zod'

const folder = fileURLToPath(new URL('../../../../shared/vsphere-transcripts/', import.meta.url))
/** Why there is nothing to compare with; `undefined` where there is. */
export const noRecordings = existsSync(folder) ? undefined : 'skipped: no recordings of vSphere beside the project'

const exchangeSchema = z.object({
  request: z.object({ method: z.string(), path: z.string(), body: z.string().nullish() }),
  response: z.object({
    status: z.number(),
    headers: z.array(z.tuple([z.string(), z.string()])),
    body: z.string().nullish(),
  }),
})
export type Exchange = z.infer<typeof exchangeSchema>
const recordingSchema = z.object({ exchanges: z.array(exchangeSchema) })
const requestsSchema = z.object({ requests: z.record(z.string(), z.string()) })

/** All exchanges of SOAP, by file. */
export function soapRecordings(): { file: string; exchanges: Exchange[] }[] {
  if (noRecordings !== undefined) return []
  return readdirSync(folder)
    .filter((file) => file.endsWith('.json') && file !== 'requests-by-pyvmomi.json')
    .map((file) => {
      const { exchanges } = recordingSchema.parse(JSON.parse(readFileSync(`${folder}${file}`, 'utf8')))
      return {
        file,
        exchanges: exchanges.filter(({ request }) => request.method === 'POST' && request.path === '/sdk'),
      }
    })
    .filter(({ exchanges }) => exchanges.length > 0)
}

/** Requests as VMware's own Python client writes them: the element of the call, by method. */
export function pyvmomiRequests(): Map<string, string> {
  if (noRecordings !== undefined) return new Map()
  const { requests } = requestsSchema.parse(JSON.parse(readFileSync(`${folder}requests-by-pyvmomi.json`, 'utf8')))
  return new Map(Object.entries(requests).map(([method, text]) => [method, callIn(text)]))
}

/** What stands in the body of an envelope. */
export function callIn(envelope: string): string {
  return /<soapenv:Body>(.*)<\/soapenv:Body>/s.exec(envelope)?.[1] ?? ''
}

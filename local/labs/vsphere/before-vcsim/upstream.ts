/** The simulator behind: requests as they are, and questions of our own with the session of whoever asks. */
import type { IncomingHttpHeaders } from 'node:http'
import { request } from 'node:https'
import { envelopeOf } from '../wire/envelope.ts'
import { type Element, parseXml } from '../wire/xml.ts'

export interface Answer {
  status: number
  headers: IncomingHttpHeaders
  body: Buffer
}

export type Headers = Record<string, string>

export class Upstream {
  readonly #url: string

  constructor(url: string) {
    this.#url = url
  }

  async send(method: string, target: string, headers: Headers, body: Uint8Array): Promise<Answer> {
    return new Promise((resolve, reject) => {
      // The simulator makes a certificate of its own, and listens on loopback.
      const options = { method, headers, rejectUnauthorized: false, agent: false } as const
      const asked = request(new URL(target, this.#url), options, (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
        )
      })
      asked.on('error', reject)
      asked.end(body)
    })
  }

  /** A property of an object; nothing where it isn't set, or can't be seen. */
  async property(cookie: Headers, type: string, id: string, path: string): Promise<Element | undefined> {
    const spec =
      `<specSet><propSet><type>${type}</type><pathSet>${path}</pathSet></propSet>` +
      `<objectSet><obj type="${type}">${id}</obj></objectSet></specSet><options/>`
    const collector = '<_this type="PropertyCollector">propertyCollector</_this>'
    const call = `<RetrievePropertiesEx xmlns="urn:vim25">${collector}${spec}</RetrievePropertiesEx>`
    const headers = { ...cookie, 'content-type': 'text/xml', soapaction: '"urn:vim25/6.5"' }
    const { status, body } = await this.send('POST', '/sdk', headers, Buffer.from(envelopeOf(call)))
    if (status !== 200) return undefined
    const answer = parseXml(body.toString('utf8')).child('Body')?.child('RetrievePropertiesExResponse')
    return answer?.child('returnval')?.child('objects')?.child('propSet')?.child('val')
  }
}

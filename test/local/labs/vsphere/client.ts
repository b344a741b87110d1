/** A client of the lab that hides nothing: what is sent is what the test says, and what comes back is shown whole. */
import { request } from 'node:https'
import { onTestFinished } from 'vitest'
import { startVsphereLab, type VsphereLab, type VsphereLabOptions } from '../../../../local/labs/vsphere/lab.ts'

export interface Got {
  status: number
  headers: Record<string, string | string[] | undefined>
  bytes: Buffer
  text: string
}

export async function send(
  url: string,
  given: { method?: string; headers?: Record<string, string>; body?: string | Uint8Array } = {},
): Promise<Got> {
  const { method = 'GET', headers = {}, body } = given
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, headers, rejectUnauthorized: false, agent: false }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const bytes = Buffer.concat(chunks)
        resolve({ status: response.statusCode ?? 0, headers: response.headers, bytes, text: bytes.toString('utf8') })
      })
    })
    asked.on('error', reject)
    asked.end(body)
  })
}

export const envelope = (inside: string): string =>
  '<?xml version="1.0" encoding="UTF-8"?>\n<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" ' +
  `xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>${inside}</soapenv:Body></soapenv:Envelope>`

/** `vm-57` of `<returnval type="Task">vm-57</returnval>`. */
export const returned = ({ text }: Got): string => /<returnval[^>]*>([^<]*)<\/returnval>/.exec(text)?.[1] ?? ''

export class Client {
  readonly lab: Pick<VsphereLab, 'url' | 'users'>
  cookie = ''
  /** Session of the REST part. */
  rest = ''

  constructor(lab: Pick<VsphereLab, 'url' | 'users'>) {
    this.lab = lab
  }

  async call(
    method: string,
    on: [type: string, id: string],
    inside = '',
    action: string | undefined = '"urn:vim25/6.5"',
  ): Promise<Got> {
    const body = envelope(`<${method} xmlns="urn:vim25"><_this type="${on[0]}">${on[1]}</_this>${inside}</${method}>`)
    return this.raw(body, action)
  }

  async raw(body: string, action: string | undefined = '"urn:vim25/6.5"'): Promise<Got> {
    return send(`${this.lab.url}/sdk`, {
      method: 'POST',
      headers: {
        'content-type': 'text/xml; charset=utf-8',
        ...(action === undefined ? {} : { soapaction: action }),
        ...(this.cookie === '' ? {} : { cookie: this.cookie }),
      },
      body,
    })
  }

  async login(place = 0, password?: string): Promise<Got> {
    const user = this.lab.users[place]
    const inside = `<userName>${user?.name}</userName><password>${password ?? user?.password}</password>`
    const { text } = await this.call('RetrieveServiceContent', ['ServiceInstance', 'ServiceInstance'])
    const manager = /<sessionManager[^>]*>([^<]+)</.exec(text)?.[1] ?? ''
    const got = await this.call('Login', ['SessionManager', manager], inside)
    this.cookie = got.headers['set-cookie']?.[0]?.split(';')[0] ?? ''
    return got
  }

  /** Properties of one object. */
  async read(type: string, id: string, ...paths: string[]): Promise<Got> {
    const set = paths.map((path) => `<pathSet>${path}</pathSet>`).join('')
    const spec = `<specSet><propSet><type>${type}</type>${set}</propSet><objectSet><obj type="${type}">${id}</obj></objectSet></specSet><options/>`
    return this.call('RetrievePropertiesEx', ['PropertyCollector', 'propertyCollector'], spec)
  }

  /** Ask for a task until it is over. */
  async wait(task: string): Promise<string> {
    for (let asks = 0; asks < 20; asks += 1) {
      const { text } = await this.read('Task', task, 'info')
      if (/<state>(success|error)<\/state>/.test(text)) return text
    }
    throw new Error(`The task ${task} never ends.`)
  }

  async file(
    path: string,
    given: { dcPath?: string; dsName?: string; method?: string; range?: string; body?: Uint8Array } = {},
  ): Promise<Got> {
    const { dcPath = 'DC1', dsName = 'datastore1', method = 'GET', range, body } = given
    const query = `dcPath=${encodeURIComponent(dcPath)}&dsName=${encodeURIComponent(dsName)}`
    return send(`${this.lab.url}/folder/${path.split('/').map(encodeURIComponent).join('/')}?${query}`, {
      method,
      headers: {
        ...(this.cookie === '' ? {} : { cookie: this.cookie }),
        ...(range === undefined ? {} : { range: `bytes=${range}` }),
      },
      ...(body === undefined ? {} : { body }),
    })
  }
}

/** A lab for this test alone, and a client that is logged in. */
export async function open(options: VsphereLabOptions = {}): Promise<{ lab: VsphereLab; client: Client }> {
  const lab = await startVsphereLab(options)
  onTestFinished(() => lab.close())
  const client = new Client(lab)
  await client.login()
  return { lab, client }
}

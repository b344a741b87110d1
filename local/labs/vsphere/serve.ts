/** Which part of the server a request is for, and who asks. */
import type { IncomingHttpHeaders } from 'node:http'
import { folder } from './folder.ts'
import { rest } from './rest.ts'
import { methodIn, soap, versionsOf } from './soap.ts'
import type { Incoming, Outgoing } from './wire/exchange.ts'
import { VimFault } from './wire/faults.ts'
import { checkPassword, openSession, peekSession, sessionOf } from './world/sessions.ts'
import type { Session, User, World } from './world/world.ts'

const XML = 'text/xml; charset=utf-8'

const page = (status: number, text: string, headers: Record<string, string> = {}): Outgoing => ({
  status,
  headers: { 'content-type': 'text/html', ...headers },
  body: Buffer.from(`<HTML><BODY><H1>${status} ${text}</H1></BODY></HTML>`),
})

/** The cookie's value, which a vCenter quotes: without the quotes it isn't the same. */
function secretIn({ cookie = '' }: IncomingHttpHeaders): string | undefined {
  return /(?:^|;\s*)vmware_soap_session="([^";]*)"/.exec(cookie)?.[1]
}

function ticketIn({ cookie = '' }: IncomingHttpHeaders): string | undefined {
  return /(?:^|;\s*)vmware_cgi_ticket="?([^";]*)"?/.exec(cookie)?.[1]
}

/** What the request is called in counts and faults. */
export function nameOf({ method, target, body }: Incoming): string {
  const path = target.split('?')[0] ?? ''
  if (method === 'POST' && path === '/sdk') return methodIn(Buffer.from(body).toString('utf8'))
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}

function versions(world: World): Outgoing {
  const [own, ...prior] = versionsOf(world)
  const lines = prior.map((version) => `   <version>${version}</version>\n`).join('')
  const text =
    '<?xml version="1.0" encoding="UTF-8"?>\n<namespaces version="1.0">\n <namespace>\n  <name>urn:vim25</name>\n' +
    `  <version>${own}</version>\n  <priorVersions>\n${lines}  </priorVersions>\n </namespace>\n</namespaces>\n`
  return { status: 200, headers: { 'content-type': XML }, body: Buffer.from(text) }
}

function sdk(world: World, { method, headers, body }: Incoming): Outgoing {
  if (method !== 'POST') return { status: 405, headers: {}, body: Buffer.alloc(0) }
  const action = headers['soapaction']
  const answer = soap(world, {
    body: Buffer.from(body).toString('utf8'),
    action: typeof action === 'string' ? action : undefined,
    session: sessionOf(world, secretIn(headers)),
    userAgent: headers['user-agent'] ?? '',
  })
  if (answer.status === 503) return page(503, 'Service Unavailable')
  const text = Buffer.from(answer.body)
  return {
    status: answer.status,
    headers: {
      'content-type': XML,
      'cache-control': 'no-cache',
      ...(answer.cookie === undefined
        ? {}
        : { 'set-cookie': `vmware_soap_session="${answer.cookie}"; Path=/; HttpOnly; Secure; ` }),
    },
    body: text,
    chunked: text.length > 2048,
  }
}

/** Who reads files: the session of the cookie, or one that Basic opens. */
function reader(world: World, headers: IncomingHttpHeaders): User | 'full' | undefined {
  const session: Session | undefined = peekSession(world, secretIn(headers))
  if (session !== undefined) return session.user
  const given = /^Basic (.+)$/.exec(headers.authorization ?? '')?.[1]
  if (given === undefined) return undefined
  const [name = '', password = ''] = Buffer.from(given, 'base64').toString('utf8').split(/:(.*)/s)
  try {
    const user = checkPassword(world, name, password)
    return openSession(world, user, headers['user-agent'] ?? '').user
  } catch (error) {
    if (!(error instanceof VimFault)) throw error
    return error.type === 'OutOfSessions' ? 'full' : undefined
  }
}

const askForLogin = (): Outgoing =>
  page(401, 'Unauthorized', { 'www-authenticate': 'Basic realm="VMware HTTP server"' })

export function serve(world: World, incoming: Incoming): Outgoing {
  const { method, target, headers, body } = incoming
  const path = target.split('?')[0] ?? ''
  if (path === '/sdk' || path === '/sdk/') return sdk(world, incoming)
  if (path === '/sdk/vimServiceVersions.xml' && method === 'GET') return versions(world)
  if (path.startsWith('/rest/')) {
    const answer = rest(world, method, target, headers, body)
    return { ...answer, body: Buffer.from(answer.body) }
  }
  if (path !== '/folder' && !path.startsWith('/folder/')) return page(404, 'Not Found')
  const user = reader(world, headers)
  if (user === 'full') return page(503, 'Service Unavailable')
  if (user === undefined) return askForLogin()
  return folder(world, { ...incoming, user, byTicket: false })
}

/** A host of a vCenter: nothing but files, and those for a ticket that is good for one request. */
export function serveHost(world: World, hostId: string, incoming: Incoming): Outgoing {
  const { method, target, headers } = incoming
  const id = ticketIn(headers)
  const ticket = id === undefined ? undefined : world.tickets.get(id)
  if (ticket !== undefined) world.tickets.delete(ticket.id)
  const fits = ticket?.hostId === hostId && ticket.method === method && ticket.url === target
  const user = [...world.users.values()][0]
  if (!fits || user === undefined) return askForLogin()
  return folder(world, {
    ...incoming,
    user: { ...user, permissions: [{ on: '/', privileges: 'all' }] },
    byTicket: true,
  })
}

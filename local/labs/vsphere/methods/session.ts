/** Sessions: in, out, and tickets for one request each. */
import { invalidArgument, noPermission, notAuthenticated } from '../wire/faults.ts'
import { boolean, dateTime, list, ref, string, structure } from '../wire/values.ts'
import { sessionValue } from '../properties/objects.ts'
import { checkPassword, liveSessions, openSession } from '../world/sessions.ts'
import { entriesOf } from '../world/world.ts'
import { serviceContent } from '../properties/about.ts'
import { type Method, userOf } from './call.ts'

export const RetrieveServiceContent: Method = {
  on: ['ServiceInstance'],
  parameters: '',
  open: true,
  run: ({ world }) => serviceContent(world),
}

export const CurrentTime: Method = {
  on: ['ServiceInstance'],
  parameters: '',
  run: ({ world }) => dateTime(world.now()),
}

export const Login: Method = {
  on: ['SessionManager'],
  parameters: 'userName:string password:string locale:string?',
  open: true,
  run: (call) => {
    const { world, input } = call
    const user = checkPassword(world, input.textOf('userName') ?? '', input.textOf('password') ?? '')
    const session = openSession(world, user, call.userAgent)
    call.cookie = session.secret
    return sessionValue(session, '127.0.0.1')
  },
}

export const Logout: Method = {
  on: ['SessionManager'],
  parameters: '',
  run: ({ world, session }) => {
    if (session !== undefined) world.sessions.delete(session.secret)
    return undefined
  },
}

export const SessionIsActive: Method = {
  on: ['SessionManager'],
  parameters: 'sessionID:string userName:string',
  run: (call) => {
    const { world, target, input } = call
    const root = [...world.entries.values()].find(({ parent }) => parent === undefined)
    const granted = userOf(call).permissions.some(
      ({ privileges }) => privileges === 'all' || privileges.includes('Sessions.ValidateSession'),
    )
    if (!granted) throw noPermission(ref(root?.type ?? target.type, root?.id ?? target.id), 'Sessions.ValidateSession')
    const [key, name] = [input.textOf('sessionID'), input.textOf('userName')]
    return boolean(liveSessions(world).some((each) => each.key === key && each.user.name === name))
  },
}

/** The host that a URL means: by its name in the inventory, by where it listens, or the only one. */
export const AcquireGenericServiceTicket: Method = {
  on: ['SessionManager'],
  parameters: 'spec:SessionManagerServiceRequestSpec',
  run: (call) => {
    const { world, input } = call
    const spec = input.child('spec')
    const url = URL.parse(spec?.textOf('url') ?? '')
    if (spec?.declaredType !== 'SessionManagerHttpServiceRequestSpec' || url === null) throw invalidArgument('spec.url')
    const hosts = entriesOf(world, 'HostSystem')
    const host = hosts.find(
      ({ id, name }) => name.toLowerCase() === url.hostname || world.hostFronts.get(id)?.authority === url.host,
    )
    const front = host === undefined ? undefined : world.hostFronts.get(host.id)
    if (host === undefined || front === undefined) throw invalidArgument('spec.url')
    if (call.session === undefined) throw notAuthenticated(ref(call.target.type, call.target.id))
    const method = (spec.textOf('method') ?? 'httpGet').replace(/^http/, '').toUpperCase()
    const id = `cst-VCT-52${world.uuid().slice(2)}--tp-${world.hex(40).toUpperCase().match(/../g)?.join('-') ?? ''}`
    world.tickets.set(id, { id, method, url: `${url.pathname}${url.search}`, hostId: host.id })
    const print = (thumbprint: string, algorithm: string) =>
      structure('VirtualMachineCertThumbprint', {
        thumbprint: string(thumbprint),
        hashAlgorithm: string(algorithm),
      })
    // An answer has no fields that are newer than the version that the client speaks.
    const isRecent = /^([89]|7\.0\.[3-9])/.test(call.version)
    return structure('SessionManagerGenericServiceTicket', {
      id: string(id),
      hostName: string(front.authority),
      sslThumbprint: string(front.sha1),
      certThumbprintList: isRecent
        ? list('VirtualMachineCertThumbprint', [print(front.sha256, 'sha256'), print(front.sha1, 'sha1')])
        : undefined,
    })
  },
}

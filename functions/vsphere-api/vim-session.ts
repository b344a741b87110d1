/** A session of one function call with a vCenter or an ESXi host: logged in when first needed, and logged out at its end. */
import { type HttpAnswer, type Limits, type Line, standardLimits, Unanswered } from '../http/api-line.ts'
import { CredentialsRejected, GuestliftError } from '../contracts/errors.ts'
import type { VsphereAccess } from '../contracts/vsphere-access.ts'
import type { AnswerTiming } from '../domain/time/answer-clock.ts'
import { openProvenLine } from '../http/proven-line.ts'
import { vimFact, vsphereTlsFacts } from './errors.ts'
import { Kept } from './kept.ts'
import { requestBody, responseOf, type VimCall } from './soap.ts'
import { isPassing, isSessionOver, NotVim, NoVimAnswer } from './vim-fault.ts'
import { childOf, childrenOf, NotXml, parseTree, type Ref, refOf, textOf, type Xml } from './xml.ts'

/** Reading calls: waits of 1, 2, 4 and 8 s, each up to half as long again. A restarted vCenter takes minutes: the workflow waits for that. */
const TRIES = 5
const FIRST_WAIT_MILLISECONDS = 1_000
/** What is spoken where the server knows it: all that is needed is in it, from vCenter 6.5 on. */
const WANTED_VERSION = '6.5'

export const vimLimits: Limits = { ...standardLimits, connectTimeoutMs: 20_000, headersTimeoutMs: 60_000 }

const SERVICE_INSTANCE: Ref = { type: 'ServiceInstance', id: 'ServiceInstance' }

export interface VimDeps {
  now: () => Date
  sleep: (milliseconds: number) => Promise<void>
  random?: () => number
  limits?: Limits
}

export interface AboutServer {
  /** `VirtualCenter` or `HostAgent`. */
  apiType: string
  version: string
  apiVersion: string
  build: string
  fullName: string
  /** Of this vCenter and no other; hosts have none. */
  instanceUuid: string
}

/** The server's own objects: their names differ between vCenter and host. */
export interface ServiceContent {
  about: AboutServer
  /** @throws NotVim where this server has none of that name */
  ref(name: string): Ref
}

export class VimSession {
  readonly #site: string
  readonly #access: VsphereAccess
  readonly #deps: VimDeps
  readonly #line: Line
  readonly #action = new Kept(() => this.#soapAction())
  readonly #content = new Kept(() => this.#askContent())
  /** A wrong password is never sent twice: accounts lock after a few. */
  readonly #login = new Kept(
    () => this.#logIn(),
    (error) => error instanceof CredentialsRejected,
  )
  #lastTiming: AnswerTiming | undefined

  constructor(site: string, access: VsphereAccess, deps: VimDeps) {
    this.#site = site
    this.#access = access
    this.#deps = deps
    this.#line = openProvenLine(access.endpoint, access.tls, vsphereTlsFacts(site), deps.limits ?? vimLimits)
  }

  lastTiming(): AnswerTiming | undefined {
    return this.#lastTiming
  }

  /** Who answers. Needs no login. @throws facts of ours */
  content(): Promise<ServiceContent> {
    return this.#content.get()
  }

  /** The value of the session's cookie as it came, quotes included, for reading files. @throws facts of ours */
  cookie(): Promise<string> {
    return this.#login.get()
  }

  /** The session ended on the server. @param cookie the one that was refused: a newer one stays */
  forget(cookie: string): Promise<void> {
    return this.#login.forget(cookie)
  }

  /**
   * A call that changes nothing: repeated on passing faults, and after a new login where the session was over.
   * @returns the response element
   * @throws VimFault for the server's own refusals, and facts of ours where nobody answers
   */
  async read(call: VimCall): Promise<Xml> {
    return this.#patiently(call, (one) => this.#askLoggedIn(one))
  }

  /**
   * A call that changes something: sent once. A session that is over proves that nothing was done.
   * @throws VimFault, NotVim, NoVimAnswer where it may have been done
   */
  async write(call: VimCall): Promise<Xml> {
    return this.#askLoggedIn(call)
  }

  /** Another path of the same server, as REST. Once. @throws NoVimAnswer */
  async http(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    headers: Record<string, string>,
    body?: string,
  ): Promise<HttpAnswer> {
    return this.#exchange({ method, path, headers, ...(body === undefined ? {} : { body }) })
  }

  /** What an error of a call means. @param action for people, as `create a snapshot` */
  fact(error: unknown, where: string, action: string): unknown {
    return vimFact(error, where, action)
  }

  /** Logs out, so that the server's sessions aren't used up. */
  async close(): Promise<void> {
    try {
      const cookie = await this.#login.peek()
      if (cookie === undefined) return
      await this.forget(cookie)
      const content = await this.content()
      await this.#send({ method: 'Logout', on: content.ref('sessionManager') }, cookie)
    } catch {
      // It ends by itself after half an hour.
    } finally {
      await this.#line.close()
    }
  }

  async #askLoggedIn(call: VimCall): Promise<Xml> {
    const cookie = await this.cookie()
    try {
      return await this.#send(call, cookie)
    } catch (error) {
      if (!isSessionOver(error)) throw error
      await this.forget(cookie)
      return this.#send(call, await this.cookie())
    }
  }

  #askContent(): Promise<ServiceContent> {
    return this.#patiently({ method: 'RetrieveServiceContent', on: SERVICE_INSTANCE }, async (call) =>
      readContent(childOf(await this.#send(call), 'returnval')),
    )
  }

  async #logIn(): Promise<string> {
    const content = await this.content()
    const { username, password } = this.#access.auth
    const args = [
      ['userName', username],
      ['password', password],
    ] as const
    const call = { method: 'Login', on: content.ref('sessionManager'), args }
    return this.#patiently(call, async (one) => {
      const { cookies = [] } = await this.#answer(one)
      const pair = cookies.map((cookie) => cookie.split(';')[0] ?? '').find((text) => text.startsWith(`${COOKIE}=`))
      if (pair === undefined) throw new NotVim(200, 'a login without a session cookie')
      return pair.slice(COOKIE.length + 1)
    })
  }

  async #patiently<Result>(call: VimCall, ask: (call: VimCall) => Promise<Result>): Promise<Result> {
    const { sleep, random = Math.random } = this.#deps
    for (let tries = 1; ; tries += 1) {
      try {
        return await ask(call)
      } catch (error) {
        if (isPassing(error) && tries < TRIES) {
          await sleep(FIRST_WAIT_MILLISECONDS * 2 ** (tries - 1) * (1 + random() / 2))
          continue
        }
        const ours = error instanceof NoVimAnswer || error instanceof NotVim || call.method === 'Login'
        throw ours ? this.fact(error, `Site ${this.#site}`, call.method) : error
      }
    }
  }

  async #send(call: VimCall, cookie?: string): Promise<Xml> {
    const { status, body } = await this.#answer(call, cookie)
    return responseOf(call.method, status, body)
  }

  async #answer(call: VimCall, cookie?: string): Promise<HttpAnswer> {
    const headers = {
      'content-type': 'text/xml; charset=utf-8',
      soapaction: await this.#action.get(),
      'user-agent': 'guestlift',
      ...(cookie === undefined ? {} : { cookie: `${COOKIE}=${cookie}` }),
    }
    const answer = await this.#exchange({ method: 'POST', path: '/sdk', headers, body: requestBody(call) })
    // The cookie of a login counts only where the login was answered.
    if (call.method === 'Login') responseOf(call.method, answer.status, answer.body)
    return answer
  }

  /** One above the server's own is refused, and without one some calls get no answer. */
  async #soapAction(): Promise<string> {
    const { status, body } = await this.#exchange({ method: 'GET', path: '/sdk/vimServiceVersions.xml', headers: {} })
    const versions = status === 200 ? versionsIn(body) : []
    const version = versions.includes(WANTED_VERSION) ? WANTED_VERSION : versions.at(-1)
    if (version === undefined) throw new NotVim(status, 'no list of API versions at /sdk/vimServiceVersions.xml')
    return `"urn:vim25/${version}"`
  }

  async #exchange(request: Parameters<Line['request']>[0]): Promise<HttpAnswer> {
    const askedAt = this.#deps.now()
    try {
      const answer = await this.#line.request(request)
      const { date } = answer
      this.#lastTiming = { askedAt, answeredAt: this.#deps.now(), ...(date === undefined ? {} : { date }) }
      return answer
    } catch (error) {
      if (!(error instanceof Unanswered)) throw error
      if (error.cause instanceof GuestliftError) throw error.cause
      throw new NoVimAnswer(error.sent, error)
    }
  }
}

const COOKIE = 'vmware_soap_session'

/** Newest first. */
function versionsIn(text: string): string[] {
  try {
    const all = childrenOf(childOf(parseTree(text), 'namespaces'), 'namespace')
    const vim = all.find((one) => textOf(childOf(one, 'name')) === 'urn:vim25')
    const prior = childrenOf(childOf(vim, 'priorVersions'), 'version').map(textOf)
    return [textOf(childOf(vim, 'version')), ...prior].filter((version) => version !== '')
  } catch (error) {
    if (error instanceof NotXml) return []
    throw error
  }
}

function readContent(content: Xml | undefined): ServiceContent {
  const about = childOf(content, 'about')
  const said = (name: string) => textOf(childOf(about, name))
  const apiType = said('apiType')
  if (apiType === '') throw new NotVim(200, 'a server that does not say what it is')
  return {
    about: {
      apiType,
      version: said('version'),
      apiVersion: said('apiVersion'),
      build: said('build'),
      fullName: said('fullName'),
      instanceUuid: said('instanceUuid'),
    },
    ref: (name) => {
      const ref = refOf(childOf(content, name))
      if (ref === undefined) throw new NotVim(200, `a server without ${name}`)
      return ref
    },
  }
}

/** A file of a datastore, written whole by one PUT: a vCenter knows no other way, and no way to go on with half of one. */
import { type ClientRequest, type IncomingMessage, request as ask } from 'node:http'
import {
  ConnectionDropped,
  GuestliftError,
  PrivilegeMissing,
  RouteLoginRejected,
  TargetFull,
  TargetUnwritable,
} from '../contracts/errors.ts'
import type { VsphereAccess } from '../contracts/vsphere-access.ts'
import { tlsDialer } from '../tls/connect.ts'
import { vsphereTlsFacts } from './errors.ts'
import { type DatastoreFile, folderUrl, type Quoting, quotingMatters } from './folder-url.ts'
import { asError, ProvenAgent } from '../http/proven-line.ts'
import type { VimSession } from './vim-session.ts'

export interface PutSettings {
  connectMilliseconds: number
  /** Longest time in which nothing moves. */
  idleMilliseconds: number
  /** Longest wait for the answer, once all was sent: hosts may yet write. */
  answerMilliseconds: number
}

const usual: PutSettings = { connectMilliseconds: 20_000, idleMilliseconds: 60_000, answerMilliseconds: 300_000 }

interface PutNeeds {
  site: string
  access: VsphereAccess
  session: VimSession
  settings?: PutSettings
}

/** Begins the file's bytes anew each time that it is asked: a request may have to be made twice. */
export type FileContent = () => AsyncIterable<Buffer>

export class DatastorePuts {
  readonly #needs: PutNeeds
  readonly #agent: ProvenAgent
  /** What this server wants, once a name has shown it. */
  #quoting: Quoting = 'once'

  constructor(needs: PutNeeds) {
    this.#needs = needs
    const { access, site, settings = usual } = needs
    const { hostname, port } = new URL(access.endpoint)
    this.#agent = new ProvenAgent(tlsDialer(access.tls, vsphereTlsFacts(site)), {
      hostname,
      port: port === '' ? 443 : Number(port),
      timeoutMilliseconds: settings.connectMilliseconds,
    })
  }

  /**
   * Write the file, in the place of one that is there.
   * @throws TargetFull, TargetUnwritable, PrivilegeMissing, RouteLoginRejected, ConnectionDropped, TlsIdentityMismatch,
   * what `content` throws, the signal's reason
   */
  async put(file: DatastoreFile, sizeBytes: number, content: FileContent, signal?: AbortSignal): Promise<void> {
    let status = await this.#loggedIn(file, sizeBytes, content, signal)
    if (status === 404 && quotingMatters(file)) {
      this.#quoting = this.#quoting === 'once' ? 'twice' : 'once'
      status = await this.#loggedIn(file, sizeBytes, content, signal)
    }
    if (status < 200 || status > 299) throw this.#fact(file, status)
  }

  close(): void {
    this.#agent.destroy()
  }

  /** A session that is over is followed by another one, once. */
  async #loggedIn(file: DatastoreFile, sizeBytes: number, content: FileContent, signal?: AbortSignal): Promise<number> {
    const { session } = this.#needs
    const cookie = await session.cookie()
    const status = await this.#send(file, sizeBytes, content(), cookie, signal)
    if (status !== 401) return status
    await session.forget(cookie)
    return this.#send(file, sizeBytes, content(), await session.cookie(), signal)
  }

  async #send(
    file: DatastoreFile,
    sizeBytes: number,
    bytes: AsyncIterable<Buffer>,
    cookie: string,
    signal: AbortSignal | undefined,
  ): Promise<number> {
    signal?.throwIfAborted()
    const { access, settings = usual } = this.#needs
    const url = folderUrl(access.endpoint, file, this.#quoting)
    const sent = ask({
      agent: this.#agent,
      method: 'PUT',
      path: `${url.pathname}${url.search}`,
      headers: {
        host: url.host,
        'user-agent': 'guestlift',
        'content-type': 'application/octet-stream',
        'content-length': sizeBytes,
        cookie: `vmware_soap_session=${cookie}`,
      },
    })
    const exchange = new Exchange(sent, settings)
    const stop = () => exchange.fail(signal?.reason)
    signal?.addEventListener('abort', stop, { once: true })
    try {
      await exchange.write(bytes, sizeBytes)
      return await exchange.status()
    } catch (error) {
      if (signal?.aborted === true) throw signal.reason
      if (error instanceof GuestliftError || !(error instanceof BrokenOff)) throw error
      if (error.cause instanceof GuestliftError) throw error.cause
      throw new ConnectionDropped(
        `${this.#where(file)}: writing it broke off (${error.message.replace(/\.$/, '')}). It is written again from its beginning.`,
        { cause: error },
      )
    } finally {
      signal?.removeEventListener('abort', stop)
      sent.destroy()
    }
  }

  #where({ datastore, path }: DatastoreFile): string {
    return `Site ${this.#needs.site}, [${datastore}] ${path}`
  }

  #fact(file: DatastoreFile, status: number): GuestliftError {
    const said = `${this.#where(file)}: the server answered ${status} to the file`
    if (status === 507 || status === 413) {
      return new TargetFull(`${said}: there is no space. Make room on the datastore, or restore to another one.`)
    }
    if (status === 401)
      return new RouteLoginRejected(`${said}, twice after a login. Check the site's \`restore.auth\`.`)
    if (status === 403) {
      return new PrivilegeMissing(
        `${said}: the account may not write it. It needs Datastore.FileManagement there: see "Restoring" in docs/vsphere.md.`,
      )
    }
    if (status >= 500 || status === 408 || status === 429) {
      return new ConnectionDropped(`${said}. The datastore may be full, or its host busy: look at both. Later again.`)
    }
    return new TargetUnwritable(`${said}. Someone may have removed its folder: look who, then restore again.`)
  }
}

/** The connection failed, and not who gave the bytes. */
class BrokenOff extends Error {
  override readonly name = 'BrokenOff'
}

/** One request under way: whatever comes first ends it, an answer, a failure or a silence. */
class Exchange {
  readonly #sent: ClientRequest
  readonly #settings: PutSettings
  readonly #answer = Promise.withResolvers<number>()
  #isAnswered = false
  #wake: (() => void) | undefined

  constructor(sent: ClientRequest, settings: PutSettings) {
    this.#sent = sent
    this.#settings = settings
    this.#answer.promise.catch(() => undefined)
    sent.on('response', (answer: IncomingMessage) => {
      this.#isAnswered = true
      answer.on('error', () => undefined)
      answer.resume()
      this.#answer.resolve(answer.statusCode ?? 0)
      this.#wake?.()
    })
    sent.on('drain', () => this.#wake?.())
    sent.on('error', (error) => this.fail(new BrokenOff(error.message, { cause: error })))
    sent.on('close', () => this.fail(new BrokenOff('the connection ended without an answer')))
    this.#limit(settings.idleMilliseconds)
  }

  fail(reason: unknown): void {
    this.#answer.reject(asError(reason))
    this.#isAnswered = true
    this.#wake?.()
    this.#sent.destroy()
  }

  /** An answer that comes early is a refusal: nothing more is sent then. */
  async write(bytes: AsyncIterable<Buffer>, sizeBytes: number): Promise<void> {
    let written = 0
    for await (const chunk of bytes) {
      if (this.#isAnswered) return
      written += chunk.length
      if (this.#sent.write(chunk)) continue
      await new Promise<void>((resolve) => {
        this.#wake = resolve
        if (this.#isAnswered || !this.#sent.writableNeedDrain) resolve()
      })
    }
    if (written !== sizeBytes) throw new RangeError(`${written} bytes of a file of ${sizeBytes}`)
    this.#sent.end()
    this.#limit(this.#settings.answerMilliseconds)
  }

  status(): Promise<number> {
    return this.#answer.promise
  }

  #limit(milliseconds: number): void {
    this.#sent.setTimeout(milliseconds, () => this.fail(new BrokenOff(`silent for ${milliseconds / 1000} s`)))
  }
}

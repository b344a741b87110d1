/** Files of datastores, read by HTTP Range in a session's name. Shared by the provider and the reader. */
import {
  ConnectionDropped,
  PrivilegeMissing,
  RouteLoginRejected,
  SourceChanged,
  SourceUnreadable,
} from '../contracts/errors.ts'
import type { SourceIdentity } from '../contracts/nouns.ts'
import type { VsphereAccess } from '../contracts/vsphere-access.ts'
import type { FileVersion } from '../http-file/answers.ts'
import { type FileServerSettings, HttpsFile } from '../http-file/https-file.ts'
import type { Dialer } from '../tls/connect.ts'
import { tlsDialer } from '../tls/connect.ts'
import { vsphereTlsFacts } from './errors.ts'
import { type DatastoreFile, folderUrl, type Quoting, quotingMatters } from './folder-url.ts'
import { hostTicket } from './host-ticket.ts'
import type { VimSession } from './vim-session.ts'

/** A host whose management network is busy takes long to begin: a silence costs a part's try, never the run. */
export const folderSettings: FileServerSettings = {
  connectMilliseconds: 20_000,
  idleMilliseconds: 60_000,
  worthReadingOnBytes: 2 ** 20,
}

/** The server's answer to a request for a file, where it isn't the file. */
class FolderRefusal extends Error {
  override readonly name = 'FolderRefusal'
  readonly status: number

  constructor(status: number, what: string) {
    super(`${what}: the server answered ${status}`)
    this.status = status
  }
}

/** The session, and what may be asked of it about a file that can't be read. */
export interface FolderNeeds {
  site: string
  access: VsphereAccess
  session: VimSession
  settings?: FileServerSettings
}

export class DatastoreFiles {
  readonly #needs: FolderNeeds
  readonly #dial: Dialer
  /** What this server wants, once a name has shown it. */
  #quoting: Quoting = 'once'

  constructor(needs: FolderNeeds) {
    this.#needs = needs
    this.#dial = tlsDialer(needs.access.tls, vsphereTlsFacts(needs.site))
  }

  /**
   * A file as it is now. @param isHeld whether it is still held still: asked when the server refuses to read it
   * @throws SourceUnreadable, PrivilegeMissing, ConnectionDropped, facts of the session
   */
  async open(file: HostedFile, about: string, isHeld: () => Promise<boolean>): Promise<OpenDatastoreFile> {
    const opened = new OpenDatastoreFile(this.#needs, this.#dial, { file, about, isHeld, quoting: this.#quoting })
    try {
      await opened.begin()
      this.#quoting = opened.quoting
      return opened
    } catch (error) {
      opened.close()
      throw error
    }
  }
}

/** `host` is its name in the inventory, for files that are read straight from there. */
export type HostedFile = DatastoreFile & { host: string }

interface Opening {
  file: HostedFile
  about: string
  isHeld: () => Promise<boolean>
  quoting: Quoting
}

/** Any number of reads may be under way. */
export class OpenDatastoreFile {
  readonly #needs: FolderNeeds
  readonly #dial: Dialer
  readonly #opening: Opening
  readonly #files: HttpsFile[] = []
  #quoting: Quoting
  #current: { file: HttpsFile; cookie: string } | undefined
  #version: FileVersion | undefined

  constructor(needs: FolderNeeds, dial: Dialer, opening: Opening) {
    this.#needs = needs
    this.#dial = dial
    this.#opening = opening
    this.#quoting = opening.quoting
  }

  get quoting(): Quoting {
    return this.#quoting
  }

  /** Names with special characters are tried both ways. */
  async begin(): Promise<void> {
    try {
      this.#version = await this.#ask((file) => file.stat())
    } catch (error) {
      if (!(error instanceof FolderRefusal) || error.status !== 404 || !quotingMatters(this.#opening.file)) {
        throw await this.#fact(error)
      }
      this.#quoting = this.#quoting === 'once' ? 'twice' : 'once'
      this.#current = undefined
      this.#version = await this.#orFact((file) => file.stat())
    }
  }

  get identity(): SourceIdentity {
    return this.#begun().identity
  }

  async stat(): Promise<SourceIdentity> {
    return (await this.#orFact((file) => file.stat())).identity
  }

  /** Fill `target`; returns its CRC-32. */
  async read(positionBytes: number, target: Buffer, signal?: AbortSignal): Promise<number> {
    const { transport } = this.#needs.access
    return transport === 'host'
      ? this.#readFromHost(positionBytes, target, signal)
      : this.#orFact((file) => file.read(positionBytes, target, this.#begun(), signal))
  }

  close(): void {
    for (const file of this.#files) file.close()
  }

  /** A ticket is good for one request: the file's version is the vCenter's, and each range a ticket of its own. */
  async #readFromHost(positionBytes: number, target: Buffer, signal: AbortSignal | undefined): Promise<number> {
    const { session, site, settings = folderSettings } = this.#needs
    const { file, about } = this.#opening
    try {
      const { url, cookie, tls } = await hostTicket(session, file.host, file)
      const once = new HttpsFile(url, `${about}, site ${site}`, {
        dial: tlsDialer(tls, vsphereTlsFacts(site)),
        settings: { ...settings, worthReadingOnBytes: Number.POSITIVE_INFINITY },
        headerLines: `Cookie: vmware_cgi_ticket=${cookie}\r\n`,
        whenUnreachable: 'The functions need a way to every host for `transport` `host`; `vcenter` needs none',
        refusal: (head, what) => new FolderRefusal(head.status, what),
      })
      try {
        return await once.read(positionBytes, target, this.#begun(), signal)
      } finally {
        once.close()
      }
    } catch (error) {
      throw session.fact(await this.#fact(error), `Site ${site}, ${about}`, 'AcquireGenericServiceTicket')
    }
  }

  #begun(): FileVersion {
    if (this.#version === undefined) throw new TypeError('a file is read before it was opened')
    return this.#version
  }

  async #orFact<Result>(work: (file: HttpsFile) => Promise<Result>): Promise<Result> {
    try {
      return await this.#ask(work)
    } catch (error) {
      throw await this.#fact(error)
    }
  }

  /** A session that is over is followed by another one, once. */
  async #ask<Result>(work: (file: HttpsFile) => Promise<Result>): Promise<Result> {
    const { file, cookie } = await this.#loggedIn()
    try {
      return await work(file)
    } catch (error) {
      if (!(error instanceof FolderRefusal) || error.status !== 401) throw error
      await this.#needs.session.forget(cookie)
      return work((await this.#loggedIn()).file)
    }
  }

  async #loggedIn(): Promise<{ file: HttpsFile; cookie: string }> {
    const cookie = await this.#needs.session.cookie()
    if (this.#current?.cookie === cookie) return this.#current
    const { access, settings = folderSettings, site } = this.#needs
    const { file, about } = this.#opening
    const opened = new HttpsFile(folderUrl(access.endpoint, file, this.#quoting), `${about}, site ${site}`, {
      dial: this.#dial,
      settings,
      headerLines: `Cookie: vmware_soap_session=${cookie}\r\n`,
      whenUnreachable: 'Check `endpoint`, and that the network lets us through',
      refusal: (head, what) => new FolderRefusal(head.status, what),
    })
    this.#files.push(opened)
    this.#current = { file: opened, cookie }
    return this.#current
  }

  /** facts/vsphere: 500 on a flat file means that the guest runs on it, with no snapshot over it. */
  async #fact(error: unknown): Promise<unknown> {
    if (!(error instanceof FolderRefusal)) return error
    const { status, message } = error
    const options = { cause: error }
    if (status === 401)
      return new RouteLoginRejected(`${message}, twice after a login. Check the site's \`auth\`.`, options)
    if (status === 403) {
      return new PrivilegeMissing(
        `${message}: the account may not read it. It needs Datastore.FileManagement and Datastore.Browse there: see "Rights" in docs/vsphere.md.`,
        options,
      )
    }
    if (status === 200) {
      return new SourceUnreadable(
        `${message} with the whole file in place of a range. Something in between rewrites requests.`,
        options,
      )
    }
    const isHeld = await this.#opening.isHeld()
    if (!isHeld) {
      return new SourceChanged(
        `${message}: what holds the file still is gone. Someone removed our snapshot while its disk was read. Repeat the guest.`,
        options,
      )
    }
    if (status >= 500 || status === 408 || status === 429) {
      return new ConnectionDropped(
        `${message}. Its host may be busy, or the file locked by something else. Later again.`,
        options,
      )
    }
    return new SourceUnreadable(
      `${message}: there is no such file. Where the datastore is vSAN or one of virtual volumes, use mode clone.`,
      options,
    )
  }
}

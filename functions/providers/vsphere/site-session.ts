/** What the parts of this provider share: one session, and the inventory as it was when it was first asked. */
import { DatastoreFiles } from '../../vsphere-api/datastore-files.ts'
import { VimSession } from '../../vsphere-api/vim-session.ts'
import { textOf } from '../../vsphere-api/xml.ts'
import type { ProviderDeps } from '../provider-deps.ts'
import type { VsphereSite } from './config.ts'
import type { Owner } from './identifiers.ts'
import { type Places, placesOf } from './places.ts'
import { instantOf } from './snapshot-tree.ts'

export class SiteSession {
  readonly siteName: string
  readonly site: VsphereSite
  readonly deps: ProviderDeps
  readonly owner: Owner
  readonly vim: VimSession
  readonly files: DatastoreFiles
  #places: Promise<Places> | undefined

  constructor(siteName: string, site: VsphereSite, deps: ProviderDeps) {
    this.siteName = siteName
    this.site = site
    this.deps = deps
    this.owner = { site: siteName, ...(deps.home === undefined ? {} : { home: deps.home }) }
    this.vim = new VimSession(siteName, site, deps)
    this.files = new DatastoreFiles({ site: siteName, access: site, session: this.vim })
  }

  /** Folders and datastores hardly change while a function runs. */
  places(): Promise<Places> {
    this.#places ??= placesOf(this.vim)
    this.#places.catch(() => (this.#places = undefined))
    return this.#places
  }

  /** By the server's clock. */
  async serverTime(): Promise<string> {
    const answer = await this.vim.read({
      method: 'CurrentTime',
      on: { type: 'ServiceInstance', id: 'ServiceInstance' },
    })
    return instantOf(textOf(typeof answer === 'string' ? answer : [answer['returnval'] ?? ''].flat()[0]))
  }

  /** Does what may fail by the server's refusal, which becomes a fact of ours. @param where host and guest, or nothing */
  async orFact<Result>(where: string, action: string, work: () => Promise<Result>): Promise<Result> {
    try {
      return await work()
    } catch (error) {
      throw this.vim.fact(error, `Site ${this.siteName}${where === '' ? '' : `, ${where}`}`, action)
    }
  }
}

/** What the parts of this provider share: one session, and the inventory as it was when it was first asked. */
import { DatastoreFiles } from '../../vsphere-api/datastore-files.ts'
import { Kept } from '../../vsphere-api/kept.ts'
import { instantOf } from '../../vsphere-api/snapshot-tree.ts'
import { NotVim } from '../../vsphere-api/vim-fault.ts'
import { VimSession } from '../../vsphere-api/vim-session.ts'
import { childOf } from '../../vsphere-api/xml.ts'
import type { ProviderDeps } from '../provider-deps.ts'
import type { VsphereSite } from './config.ts'
import type { Owner } from './identifiers.ts'
import { type Places, placesOf } from './places.ts'

export class SiteSession {
  readonly siteName: string
  readonly site: VsphereSite
  readonly deps: ProviderDeps
  readonly owner: Owner
  readonly vim: VimSession
  readonly files: DatastoreFiles
  /** Folders and datastores hardly change while a function runs. */
  readonly #places = new Kept(() => placesOf(this.vim))

  constructor(siteName: string, site: VsphereSite, deps: ProviderDeps) {
    this.siteName = siteName
    this.site = site
    this.deps = deps
    this.owner = { site: siteName, ...(deps.home === undefined ? {} : { home: deps.home }) }
    this.vim = new VimSession(siteName, site, deps)
    this.files = new DatastoreFiles({ site: siteName, access: site, session: this.vim })
  }

  places(): Promise<Places> {
    return this.#places.get()
  }

  /** By the server's clock. */
  async serverTime(): Promise<string> {
    const answer = await this.vim.read({
      method: 'CurrentTime',
      on: { type: 'ServiceInstance', id: 'ServiceInstance' },
    })
    const shown = instantOf(childOf(answer, 'returnval'))
    if (shown === undefined) throw new NotVim(200, 'an answer to CurrentTime without a time')
    return shown
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

/** What the parts of this provider share: one line to Resource Manager, and where things are made. */
import { Arm, COMPUTE, DISKS } from '../../azure-api/arm.ts'
import type { ProviderDeps } from '../provider-deps.ts'
import type { AzureSite } from './config.ts'
import { collectionNameOf, type Owner } from './identifiers.ts'

export class SiteSession {
  readonly siteName: string
  readonly site: AzureSite
  readonly deps: ProviderDeps
  readonly owner: Owner
  readonly arm: Arm
  /** Of the subscription. */
  readonly root: string
  /** Of the resource group that things are made in. */
  readonly group: string

  constructor(siteName: string, site: AzureSite, deps: ProviderDeps) {
    this.siteName = siteName
    this.site = site
    this.deps = deps
    this.owner = { site: siteName, ...(deps.home === undefined ? {} : { home: deps.home }) }
    this.arm = new Arm(siteName, site, deps)
    this.root = `/subscriptions/${site.subscriptionId}`
    this.group = `${this.root}/resourceGroups/${site.resourceGroup}`
  }

  machines(query: Readonly<Record<string, string>> = {}) {
    return { path: `${this.root}/providers/Microsoft.Compute/virtualMachines`, version: COMPUTE, query }
  }

  collections() {
    return { path: `${this.group}/providers/Microsoft.Compute/restorePointCollections`, version: COMPUTE }
  }

  collection(guestId: string) {
    return { path: `${this.collections().path}/${collectionNameOf(guestId, this.owner)}`, version: COMPUTE }
  }

  point(guestId: string, name: string) {
    return { path: `${this.collection(guestId).path}/restorePoints/${name}`, version: COMPUTE }
  }

  snapshots() {
    return { path: `${this.group}/providers/Microsoft.Compute/snapshots`, version: DISKS }
  }

  snapshot(name: string) {
    return { path: `${this.snapshots().path}/${name}`, version: DISKS }
  }

  /** Azure's own time, of its last answer; ours before there was one. */
  serverTime(): string {
    const shown = Date.parse(this.arm.lastTiming()?.date ?? '')
    return (Number.isNaN(shown) ? this.deps.now() : new Date(shown)).toISOString()
  }

  /** Does what may fail by Azure's refusal, which becomes a fact of ours. @param where region and guest, or nothing */
  async orFact<Result>(where: string, action: string, work: () => Promise<Result>): Promise<Result> {
    try {
      return await work()
    } catch (error) {
      throw this.arm.fact(error, where, action)
    }
  }
}

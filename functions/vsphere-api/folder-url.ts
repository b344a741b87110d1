/** Where a vCenter serves a file of a datastore (Programming guide, "HTTP access to datastore files"). */

export interface DatastoreFile {
  /** Inventory path of the datacenter without a slash in front; empty on a single host that has no other. */
  datacenter: string
  datastore: string
  path: string
}

/** Some vCenters want the names in the query percent-encoded twice (libvirt and virt-v2v always do so). */
export type Quoting = 'once' | 'twice'

/** Every name is percent-encoded: what a file is called can't change which file is asked for. */
export function folderUrl(endpoint: string, { datacenter, datastore, path }: DatastoreFile, quoting: Quoting): URL {
  const segments = path.split('/').map(encodeURIComponent).join('/')
  const quoted = (name: string) => encodeURIComponent(quoting === 'once' ? name : encodeURIComponent(name))
  const where = datacenter === '' ? '' : `dcPath=${quoted(datacenter)}&`
  return new URL(`${endpoint}/folder/${segments}?${where}dsName=${quoted(datastore)}`)
}

/** Names that look the same either way leave no doubt. */
export function quotingMatters({ datacenter, datastore }: DatastoreFile): boolean {
  return [datacenter, datastore].some((name) => encodeURIComponent(name) !== name)
}

/** Which cluster answers at the lab's address, and the certificate it shows. */
import { createHash } from 'node:crypto'
import { createIdentity, fingerprintOf, type Identity } from '../shared/certificate.ts'
import { unseenFingerprint } from './identity.ts'
import type { LabCluster, LabNode } from './world.ts'

export const NAMES: readonly string[] = ['pve1.lab', 'localhost', '127.0.0.1']

/** A name as corosync takes it (1 to 15 letters, digits and hyphens), the same for the same cluster. */
export function clusterOf(id: string): LabCluster {
  const isName = /^[A-Za-z0-9][A-Za-z0-9-]{0,14}$/.test(id)
  return { id, name: isName ? id : `lab-${createHash('sha256').update(id).digest('hex').slice(0, 8)}` }
}

/** The one that a lab begins with. */
export const homeCluster = (id: string): LabCluster => ({ id, name: 'lab' })

/** What is shown in the handshake, and whose it is. */
export class Shown {
  readonly #own: { identity: Identity; clusterId: string }
  readonly #of = new Map<string, Identity>()
  #now: { identity: Identity; clusterId: string | undefined }
  readonly #present: (identity: Identity) => void

  constructor(identity: Identity, clusterId: string, present: (identity: Identity) => void) {
    this.#own = { identity, clusterId }
    this.#now = this.#own
    this.#of.set(clusterId, identity)
    this.#present = present
  }

  /** The cluster that was here first. */
  get home(): LabCluster {
    return homeCluster(this.#own.clusterId)
  }

  get identity(): Identity {
    return this.#now.identity
  }

  /** The certificate that this cluster's own authority gave its node. */
  showOf(clusterId: string): void {
    const identity = this.#of.get(clusterId) ?? createIdentity(NAMES, new Date(), clusterId)
    this.#of.set(clusterId, identity)
    this.#show(identity, clusterId)
  }

  /** The one that the lab started with, no matter what answers behind it now: an address that a proxy terminates. */
  showFirst(): void {
    this.#show(this.#own.identity, this.#own.clusterId)
  }

  /** One of an authority that nobody knows. */
  showStranger(): Identity {
    const identity = createIdentity(NAMES, new Date())
    this.#show(identity, undefined)
    return identity
  }

  #show(identity: Identity, clusterId: string | undefined): void {
    this.#now = { identity, clusterId }
    this.#present(identity)
  }

  /** SHA-256 of a node's own certificate, which isn't what the handshake shows when something else ends TLS. */
  fingerprintOf(cluster: LabCluster, node: string, first: LabNode | undefined): string {
    const own = node === first?.name ? this.#of.get(cluster.id) : undefined
    return own === undefined ? unseenFingerprint(cluster.id, node) : fingerprintOf(own.cert)
  }
}

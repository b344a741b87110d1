/**
 * What tells a guest, and a cluster, from another with the same id, as real Proxmox VE has it. Everything follows from
 * the site alone, so that the same lab makes the same bytes.
 *
 * VM: `smbios1: uuid=…` and `meta: creation-qemu=…,ctime=…` are written when it is made and stay through renames,
 * migrations and restores under its id; `vmgenid` is made anew by a rollback and by each restore.
 * Container: nothing is made for telling it apart; `hwaddr` of `net0` is chosen when the interface is made.
 * Cluster: its own authority (pve-root-ca.pem) has a UUID as OU of its subject, which every node's own certificate
 * names as its issuer.
 */
import { createHash } from 'node:crypto'
import type { LabGuest, LabIdentity, SiteData } from './world.ts'

/** A version 4 UUID that follows from a text. */
export function uuidFrom(text: string): string {
  const bytes = createHash('md5').update(text).digest()
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** The vendor prefix is Proxmox's own. */
export function hardwareAddress(lowest24Bits: number): string {
  const hex = lowest24Bits.toString(16).padStart(6, '0').slice(-6).toUpperCase()
  return `BC:24:11:${hex.slice(0, 2)}:${hex.slice(2, 4)}:${hex.slice(4, 6)}`
}

/** Of a guest that was there from the start: its address follows from the id, as it did in labs before identities. */
function firstIdentity(guest: Pick<LabGuest, 'vmid' | 'kind' | 'seed'>, createdAt: number): LabIdentity {
  const net = hardwareAddress(guest.vmid)
  if (guest.kind === 'lxc') return { hwaddr: net }
  const text = `${guest.vmid}/${guest.seed}`
  return { smbiosUuid: uuidFrom(text), createdAt, genid: uuidFrom(`${text}/genid`), hwaddr: net }
}

/** One that no guest of this lab has had. `createdAt` in unix seconds of the site's clock. */
export function newIdentity(site: SiteData, kind: LabGuest['kind'], createdAt: number): LabIdentity {
  site.identitiesGiven = (site.identitiesGiven ?? 0) + 1
  const text = `${site.bootedAt}/given/${site.identitiesGiven}`
  const hwaddr = hardwareAddress(createHash('md5').update(text).digest().readUIntBE(0, 3) | 0x80_00_00)
  if (kind === 'lxc') return { hwaddr }
  return { smbiosUuid: uuidFrom(text), createdAt, genid: uuidFrom(`${text}/genid`), hwaddr }
}

/** A state directory from before identities has none: its guests get those that they would have today. */
export function completeIdentities(site: SiteData): void {
  for (const guest of site.guests) guest.identity ??= firstIdentity(guest, site.bootedAt)
}

/** The cluster of a site whose authority doesn't name one, as in labs before identities. */
export function unnamedCluster(site: SiteData): string {
  return uuidFrom(`cluster/${site.bootedAt}`)
}

/** SHA-256 in the form of a certificate's fingerprint, of a certificate that nobody connects to. */
export function unseenFingerprint(clusterId: string, node: string): string {
  const digest = createHash('sha256').update(`${clusterId}/${node}`).digest('hex').toUpperCase()
  return digest.replace(/(..)(?!$)/g, '$1:')
}

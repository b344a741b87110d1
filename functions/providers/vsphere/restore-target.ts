/** What is known to stand against a restore before anything is made, and which files its disks become. */
import type { RestoreFinding } from '../../contracts/restore.ts'
import type { NewDisk } from '../../contracts/restore-record.ts'
import { formatBytes } from '../../domain/words/byte-size.ts'
import { findMachine } from '../../vsphere-api/held.ts'
import type { DiskTargetReport, IntendedDisks } from '../capabilities/disk-restores.ts'
import { type ArchivedGuest, archivedGuest, fileNameOf } from './archived-guest.ts'
import { datacenterPath, findByPath } from './places.ts'
import { type RestorePlace, restorePlace } from './restore-place.ts'
import { RESTORE_RIGHTS, refused } from './rights.ts'
import type { SiteSession } from './site-session.ts'

const refusal = (name: RestoreFinding['name'], message: string): RestoreFinding => ({ name, level: 'refusal', message })

/** @throws VimFault, facts of ours */
export async function restoreTarget(session: SiteSession, intended: IntendedDisks): Promise<DiskTargetReport> {
  const { archive } = intended
  const guest = archivedGuest(archive.description)
  if (guest === undefined) {
    const message = `${archive.origin} holds no guest.json that says what the guest was. Restore it by hand, as RESTORE.md in the bucket shows.`
    return { findings: [refusal('configuration-unknown', message)], disks: [] }
  }
  const { place, findings } = await restorePlace(session, guest, intended)
  const all = [...findings, ...diskFindings(guest, intended)]
  if (place === undefined) return { findings: all, disks: [] }
  all.push(
    ...(await identityFindings(session, guest, place, intended)),
    ...spaceFindings(session, place, intended),
    ...(await rightFindings(session, place)),
  )
  return { findings: all, disks: await disksAt(session, guest, place, intended) }
}

function diskFindings(guest: ArchivedGuest, { archive }: IntendedDisks): RestoreFinding[] {
  const known = new Set(
    guest.disks.flatMap(({ archivedAs }) => (archivedAs === undefined ? [] : fileNameOf(archivedAs))),
  )
  const strange = archive.disks.filter(({ fileName }) => !known.has(fileName)).map(({ fileName }) => fileName)
  const left = guest.disks.filter(({ archivedAs }) => archivedAs === undefined).map(({ label }) => label)
  const unfit = `guest.json of ${archive.origin} doesn't say what ${strange.join(', ')} was. Restore it by hand, as RESTORE.md in the bucket shows.`
  const leftOut = `The archive holds no ${left.join(', ')}, which its job left out: the guest comes back without it.`
  return [
    ...(strange.length === 0 ? [] : [refusal('archive-unfit', unfit)]),
    ...(left.length === 0 ? [] : [{ name: 'disk-left-out', level: 'warning', message: leftOut } as const]),
  ]
}

/** An identity belongs to one guest, and a name to one in its folder. */
async function identityFindings(
  { vim, siteName }: SiteSession,
  guest: ArchivedGuest,
  { name, folderPath }: RestorePlace,
  { target }: IntendedDisks,
): Promise<RestoreFinding[]> {
  const findings: RestoreFinding[] = []
  if (!target.guest.unique && (await findMachine(vim, guest.id)) !== undefined) {
    const message = `Site ${siteName}: the guest with the instance UUID ${guest.id} is still there. Remove it first, or restore beside it with --unique.`
    findings.push(refusal('id-in-use', message))
  }
  if ((await findByPath(vim, `${folderPath}/${name}`)) !== undefined) {
    const message = `Site ${siteName}: ${folderPath} has something called ${name} already. Give another name with --name, or another folder with --folder.`
    findings.push(refusal('id-in-use', message))
  }
  return findings
}

/** Files of disks take their whole size, unless the datastore knows better. */
function spaceFindings(
  { siteName }: SiteSession,
  { datastore: { name, type, freeBytes } }: RestorePlace,
  { archive }: IntendedDisks,
): RestoreFinding[] {
  if (/^(vsan|vvol)/i.test(type)) {
    const message = `Site ${siteName}: datastore ${name} is of type ${type}, which takes no files of disks. Name a VMFS or NFS datastore with --datastore, and move the guest there afterwards.`
    return [refusal('storage-unusable', message)]
  }
  const wanted = archive.disks.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  if (freeBytes === undefined || wanted <= freeBytes) return []
  const message = `Site ${siteName}: datastore ${name} has ${formatBytes(freeBytes)} left, and the disks take up to ${formatBytes(wanted)}. Make room, or name another with --datastore.`
  return [refusal('no-space', message)]
}

async function rightFindings(session: SiteSession, place: RestorePlace): Promise<RestoreFinding[]> {
  const { datastore, folder, pool, folderPath, poolPath } = place
  const missing = [
    ...(await refused(session, [datastore.ref], RESTORE_RIGHTS.datastore, () => `datastore ${datastore.name}`)),
    ...(await refused(session, [folder], RESTORE_RIGHTS.folder, () => folderPath)),
    ...(await refused(session, [pool], RESTORE_RIGHTS.pool, () => poolPath)),
  ]
  if (missing.length === 0) return []
  const rights = missing.map(({ privilege, path }) => `${privilege} on ${path}`).join(', ')
  const message = `Site ${session.siteName}: the account that restores lacks ${rights}. See "Restoring" in docs/vsphere.md.`
  return [refusal('privilege-missing', message)]
}

/** The folder bears the token, so that it is nobody else's, and what is removed is ours beyond doubt. */
async function disksAt(
  session: SiteSession,
  guest: ArchivedGuest,
  { name, datastore, datacenter }: RestorePlace,
  { archive, token }: IntendedDisks,
): Promise<NewDisk[]> {
  const datacenterOf = datacenterPath(await session.places(), datacenter)
  const folder = `${name.replaceAll(/[^A-Za-z0-9._-]/g, '-').slice(0, 40)}-${token}`
  const bySource = new Map(guest.disks.map(({ archivedAs = '' }) => [fileNameOf(archivedAs), archivedAs]))
  return archive.disks.flatMap(({ fileName, sizeBytes }): NewDisk[] => {
    const own = bySource.get(fileName)
    if (own === undefined) return []
    const at = { datacenter: datacenterOf, datacenterId: datacenter.id, datastore: datastore.name, folder }
    return [{ fileName, target: { type: 'datastore-disk', ...at, path: `${folder}/${own}-flat.vmdk`, sizeBytes } }]
  })
}

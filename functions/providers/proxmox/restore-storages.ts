/** Whether a node's storages take an archive's file and the disks that are made of it. Pure. */
import type { RestoreFinding } from '../../contracts/restore.ts'
import type { IntendedRestore } from '../capabilities/restores.ts'
import type { StorageRecord } from '../capabilities/storages.ts'
import type { RestoreNeeds } from './restore-needs.ts'
import { IMPORT_CONTENT } from './disk-imports.ts'
import { isUsable } from './storage-state.ts'

/** Types that take the whole of a disk from the start. On all others a disk takes what it holds, and may grow. */
const THICK: ReadonlySet<string> = new Set(['lvm', 'iscsi', 'iscsidirect'])

interface Place {
  /** `Site hq, node pve1`. */
  at: string
  account: string
  /** What the account is shown on the node. */
  storages: readonly StorageRecord[]
}

export function storageFindings(
  intended: IntendedRestore,
  needs: RestoreNeeds | undefined,
  place: Place,
): RestoreFinding[] {
  const targets = new Set(needs?.disks.map(({ storage }) => storage) ?? [intended.target.storage ?? []].flat())
  return [
    ...deliveryFindings(intended, place),
    ...[...targets].flatMap((storage) => targetFindings(storage, intended, needs, place)),
  ]
}

function deliveryFindings({ deliveryStorage, archive, imports }: IntendedRestore, place: Place): RestoreFinding[] {
  const found = shown(deliveryStorage, place)
  if ('message' in found) return [found]
  if (imports !== undefined) return importStorageFindings(found, archive, place)
  if (!found.takesBackups || found.backupsAreFiles === false) {
    const why = found.takesBackups ? 'keeps backups otherwise than as files' : "doesn't take backups"
    return [
      refusal(
        'storage-content',
        `${place.at}: storage ${deliveryStorage} ${why}, so no archive can be put on it. Allow content type "backup" on it, or name another storage.`,
      ),
    ]
  }
  if (!isUsable(found)) return [unusable(found, place)]
  return archive.sizeBytes > found.freeBytes
    ? [full(deliveryStorage, `the archive's file takes ${archive.sizeBytes} bytes`, found, place)]
    : []
}

/** What the disks held is all that is fetched of them. */
function importStorageFindings(
  found: StorageRecord,
  { contentBytes = 0 }: IntendedRestore['archive'],
  place: Place,
): RestoreFinding[] {
  const { storage } = found
  if (!found.content.includes(IMPORT_CONTENT)) {
    return [
      refusal(
        'storage-content',
        `${place.at}: storage ${storage} takes no disks to import. Allow content type "${IMPORT_CONTENT}" on it, or name another storage.`,
      ),
    ]
  }
  if (!found.enabled || !found.active) return [unusable(found, place)]
  return contentBytes > found.freeBytes
    ? [full(storage, `the fetched disks take ${contentBytes} bytes`, found, place)]
    : []
}

function targetFindings(
  storage: string,
  { archive, deliveryStorage, imports }: IntendedRestore,
  needs: RestoreNeeds | undefined,
  place: Place,
): RestoreFinding[] {
  const found = shown(storage, place)
  if ('message' in found) return [found]
  const content = archive.guest.kind === 'vm' ? 'images' : 'rootdir'
  if (!found.content.includes(content)) {
    return [
      refusal(
        'storage-content',
        `${place.at}: storage ${storage} takes no disks of a ${archive.guest.kind}. Allow content type "${content}" on it, or name another storage.`,
      ),
    ]
  }
  if (!found.enabled || !found.active) return [unusable(found, place)]
  const disks = (needs?.disks ?? []).filter((disk) => disk.storage === storage)
  const wholeBytes = disks.reduce((sum, { sizeBytes = 0 }) => sum + sizeBytes, 0)
  const fetchedBytes = imports === undefined ? archive.sizeBytes : (archive.contentBytes ?? 0)
  const beside = deliveryStorage === storage ? fetchedBytes : 0
  const isThick = THICK.has(found.type)
  // What the disks held is known of all of them together, and bounds what those on one storage take.
  const heldBytes = disks.length === (needs?.disks.length ?? 0) ? archive.contentBytes : undefined
  const takenBytes = isThick ? wholeBytes : Math.min(heldBytes ?? 0, wholeBytes === 0 ? Infinity : wholeBytes)
  if (beside + takenBytes > found.freeBytes) {
    const what = imports === undefined ? "the archive's file" : 'the fetched disks'
    const alsoFile = beside === 0 ? '' : `, beside ${what} of ${beside} bytes`
    return [full(storage, `the disks take ${takenBytes} bytes${alsoFile}`, found, place)]
  }
  if (!isThick && beside + wholeBytes > found.freeBytes) {
    const known = heldBytes === undefined ? "what they hold isn't known" : `they hold ${heldBytes} bytes now`
    return [
      {
        name: 'space-tight',
        level: 'warning',
        message: `${place.at}: storage ${storage} has ${found.freeBytes} bytes free, and the disks can grow to ${wholeBytes}; ${known}. Make room before the guest fills them.`,
      },
    ]
  }
  return []
}

function shown(storage: string, { storages, at, account }: Place): StorageRecord | RestoreFinding {
  return (
    storages.find((one) => one.storage === storage) ??
    refusal(
      'storage-not-shown',
      `${at}: there is no storage ${storage}, or ${account} lacks Datastore.Audit on /storage/${storage} and isn't shown it. Grant it, or name another storage.`,
    )
  )
}

function unusable({ storage, enabled }: StorageRecord, { at }: Place): RestoreFinding {
  const why = enabled ? "can't be reached from the node" : 'is disabled'
  return refusal('storage-unusable', `${at}: storage ${storage} ${why}. Bring it back, or name another storage.`)
}

function full(storage: string, what: string, { freeBytes }: StorageRecord, { at }: Place): RestoreFinding {
  return refusal(
    'no-space',
    `${at}: ${what}, and storage ${storage} has ${freeBytes} bytes free. Make room, or name another storage.`,
  )
}

function refusal(name: RestoreFinding['name'], message: string): RestoreFinding {
  return { name, level: 'refusal', message }
}

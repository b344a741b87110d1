/** Where everything lies in the archive bucket. The layout is part of the product: people and tools rely on it. */
import type { Guest } from '../../contracts/nouns.ts'

/** Top folders beside `archives`: Guestlift's own books, in which nobody else writes. */
export const bookFolders = [
  'runs',
  'claims',
  'uploads',
  'schedules',
  'streams',
  'dumps',
  'sweeps',
  'retention',
  'prunings',
  'catalogue',
  'coverage',
  'verifications',
  'sites',
  'sessions',
  'restores',
  'drills',
  'unpacked',
  'configurations',
] as const

/** Files beside the folders: how to restore without Guestlift. Written by every run. */
export const rootFiles = ['RESTORE.md', 'restore.sh'] as const

/** `2026-11-22T02:00:00.000Z` → `2026-11-22T02-00-00Z`: whole seconds, and no colon, which file systems and shells dislike. */
function keyTime(instant: string): string {
  return `${new Date(instant).toISOString().slice(0, 19).replaceAll(':', '-')}Z`
}

/** `2026/11/22/`: what happens by the day is kept by the day. */
export function dayPath(instant: string): string {
  return `${instant.slice(0, 10).replaceAll('-', '/')}/`
}

/** The folder of one archive, with a slash at its end. */
export function archiveFolder(keyPrefix: string, site: string, guest: Guest, createdAt: string): string {
  return `${guestFolder(keyPrefix, site, guest)}${keyTime(createdAt)}/`
}

/** The folder of all archives of a guest, with a slash at its end. Those in it sort by their time. */
export function guestFolder(keyPrefix: string, site: string, guest: KeyedGuest): string {
  return `${keyPrefix}archives/${site}/${guest.kind}-${guest.id}/`
}

/** A guest as keys tell it. */
export type KeyedGuest = Pick<Guest, 'id' | 'kind'>

/**
 * Whose archive a key belongs to, if it is the key of a file in a folder that `archiveFolder` makes. `undefined` for
 * everything else: what isn't shaped like ours isn't ours. A file's name may hold folders.
 */
export function readArtifactKey(
  keyPrefix: string,
  key: string,
): { site: string; guest: KeyedGuest; folder: string } | undefined {
  if (!key.startsWith(keyPrefix)) return undefined
  const match = artifactKeyShape.exec(key.slice(keyPrefix.length))
  const [, folder, site, kind, id] = match ?? []
  if (folder === undefined) return undefined
  if (site === undefined || id === undefined || (kind !== 'vm' && kind !== 'container')) return undefined
  return { site, guest: { kind, id }, folder: `${keyPrefix}${folder}` }
}

const artifactKeyShape =
  /^(archives\/([A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)\/(vm|container)-([^/]+)\/\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ\/)(?:[^/]+\/)*[^/]+$/

/** The folder of the archive that a file belongs to, by the key of the file alone, with a slash at its end. */
export function folderOf(artifactKey: string): string {
  const folder = /^.*?\/(?:vm|container)-[^/]+\/\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ\//.exec(artifactKey)?.[0]
  return folder ?? artifactKey.slice(0, artifactKey.lastIndexOf('/') + 1)
}

/** Where all archives lie, with a slash at its end. */
export function archivesPrefix(keyPrefix: string): string {
  return `${keyPrefix}archives/`
}

export function artifactKey(folder: string, fileName: string): string {
  return `${folder}${fileName}`
}

/** What commits an archive, in its folder. */
export const MANIFEST_NAME = 'manifest.json'
/** What the last reading of the whole archive found, in its folder. */
export const VERIFICATION_NAME = 'verification.json'

export function manifestKey(folder: string): string {
  return `${folder}${MANIFEST_NAME}`
}

export function verificationKey(folder: string): string {
  return `${folder}${VERIFICATION_NAME}`
}

/** Ending of the index of what a file of an archive holds, beside that file. */
export const CONTENT_INDEX_ENDING = '.index.zst'

/** Where each member of an archive's file lies in it. */
export function contentIndexKey(artifactKey: string): string {
  return `${artifactKey}${CONTENT_INDEX_ENDING}`
}

/** Whether reading an archive whole writes such a key into its folder: nothing of it makes an archive, or is missed. */
export function isWrittenByReading(folder: string, key: string): boolean {
  return key === verificationKey(folder) || (key.startsWith(folder) && key.endsWith(CONTENT_INDEX_ENDING))
}

/** The folder of one run, with a slash at its end; this is `Run.prefix`. */
export function runPrefix(keyPrefix: string, runId: string, startedAt: string): string {
  return `${runsOfDayPrefix(keyPrefix, startedAt)}${runId}/`
}

/** Where the runs lie that began on the day of an instant, with a slash at its end. */
export function runsOfDayPrefix(keyPrefix: string, instant: string): string {
  return `${keyPrefix}runs/${dayPath(instant)}`
}

/** The page of a run, for people, beside its report. */
export function runPageKey(prefix: string): string {
  return `${prefix}report.html`
}

export function planKey(prefix: string): string {
  return `${prefix}plan.json`
}

/** The run's job, kept before anything can fail: what repeating the run begins with. */
export function jobKey(prefix: string): string {
  return `${prefix}job.json`
}

/** Who was chosen and who was left out, and why. */
export function selectionKey(prefix: string): string {
  return `${prefix}selection.json`
}

export function reportKey(prefix: string): string {
  return `${prefix}report.json`
}

export function outcomesPrefix(prefix: string): string {
  return `${prefix}guests/`
}

export function outcomeKey(prefix: string, guestId: string): string {
  return `${outcomesPrefix(prefix)}${guestId}.json`
}

/** Evidence and log between Locate archive and Write manifest. */
export function evidenceKey(prefix: string, guestId: string): string {
  return `${prefix}evidence/${guestId}.json`
}

/** Where all claims of a site lie, with a slash at its end. */
export function claimsPrefix(keyPrefix: string, site: string): string {
  return `${keyPrefix}claims/${site}/`
}

/** Who archives this guest at this moment. */
export function claimKey(keyPrefix: string, site: string, guest: KeyedGuest): string {
  return `${claimsPrefix(keyPrefix, site)}${guest.kind}-${guest.id}.json`
}

/** How the transfers of a site share its line and nodes at this moment. */
export function streamLedgerKey(keyPrefix: string, site: string): string {
  return `${keyPrefix}streams/${site}.json`
}

/** Whose turn it is to dump on a site's nodes, and what lies on its storages, at this moment. */
export function dumpQueueKey(keyPrefix: string, site: string): string {
  return `${keyPrefix}dumps/${site}.json`
}

/** Which cluster a site's archives come from, and which of its guests are absent since when. */
export function siteBookKey(keyPrefix: string, site: string): string {
  return `${siteBooksPrefix(keyPrefix)}${site}.json`
}

/** Where the books of all sites lie, with a slash at its end. */
export function siteBooksPrefix(keyPrefix: string): string {
  return `${keyPrefix}sites/`
}

/** The login that the calls of a site share, sealed with the site's own secret. */
export function sessionKey(keyPrefix: string, site: string): string {
  return `${keyPrefix}sessions/${site}.json`
}

/** How far a guest is at this moment. Its outcome, once there is one, is the end of it. */
export function progressKey(prefix: string, guestId: string): string {
  return `${prefix}progress/${guestId}.json`
}

/** What is known of the open upload for an artifact: the record that lets another execution resume it. */
export function uploadRecordKey(keyPrefix: string, key: string): string {
  return `${keyPrefix}uploads/${key.slice(keyPrefix.length)}.json`
}

/**
 * Where the plan of an open upload and the records of its parts lie, of an encoding that keeps them, with a slash at its
 * end.
 */
export function partRecordsPrefix(keyPrefix: string, key: string): string {
  return `${allPartRecordsPrefix(keyPrefix)}${key.slice(keyPrefix.length)}/`
}

/** Those of all uploads. */
export function allPartRecordsPrefix(keyPrefix: string): string {
  return `${keyPrefix}uploads/parts/`
}

/** The artifact whose upload something below `allPartRecordsPrefix` is of. */
export function partRecordedKey(keyPrefix: string, recordKey: string): string {
  return `${keyPrefix}${recordKey.slice(allPartRecordsPrefix(keyPrefix).length, recordKey.lastIndexOf('/'))}`
}

/**
 * Plan, map and list of frames of an open upload, named by a sum over what they hold: what is there is never replaced by
 * another's, and two executions that open one upload at once write the same.
 */
export function uploadFileKey(keyPrefix: string, key: string, kind: 'plan' | 'map' | 'frames', sum: number): string {
  return `${partRecordsPrefix(keyPrefix, key)}${kind}-${sum.toString(16).padStart(8, '0')}.json`
}

export function partRecordKey(keyPrefix: string, key: string, partNumber: number): string {
  return `${partRecordsPrefix(keyPrefix, key)}${String(partNumber).padStart(5, '0')}.json`
}

/** The number of the part that a record is of; `undefined` for a key that isn't a record's. */
export function recordedPart(keyPrefix: string, key: string, recordKey: string): number | undefined {
  const prefix = partRecordsPrefix(keyPrefix, key)
  const [, digits] = /^(\d{5})\.json$/.exec(recordKey.startsWith(prefix) ? recordKey.slice(prefix.length) : '') ?? []
  return digits === undefined ? undefined : Number(digits)
}

/** One part by its number, the CRC-32 and the MD5 of its bytes, where a store's own list has no CRC-32. */
export interface PartSums {
  part: number
  crc32: number
  /** In hexadecimal. */
  md5: string
}

/** Where the sums of an upload's parts are written down. `uploadSum`: of the upload's id, since ids may be of any form. */
export function partSumsPrefix(keyPrefix: string, key: string, uploadSum: number): string {
  return `${partRecordsPrefix(keyPrefix, key)}sums-${hex(uploadSum)}-`
}

/** The key says all, so that one list tells of a thousand. */
export function partSumsKey(keyPrefix: string, key: string, uploadSum: number, { part, crc32, md5 }: PartSums): string {
  return `${partSumsPrefix(keyPrefix, key, uploadSum)}${String(part).padStart(5, '0')}-${hex(crc32)}-${md5}`
}

/** The part that a key tells of; `undefined` for a key of another shape. */
export function readPartSumsKey(key: string): PartSums | undefined {
  const [, part, sum, md5] = /-(\d{5})-([0-9a-f]{8})-([0-9a-f]{32})$/.exec(key) ?? []
  if (part === undefined || sum === undefined || md5 === undefined) return undefined
  return { part: Number(part), crc32: Number.parseInt(sum, 16), md5 }
}

/** Where the pieces of an object are written down that were read back. `readingSum`: of its ETag and the pieces' size. */
export function readBackPrefix(keyPrefix: string, key: string, readingSum: number): string {
  return `${partRecordsPrefix(keyPrefix, key)}back-${hex(readingSum)}-`
}

/** One piece by its number from 0, and the CRC-32 of its bytes. */
export function readBackKey(
  keyPrefix: string,
  key: string,
  readingSum: number,
  { piece, crc32 }: { piece: number; crc32: number },
): string {
  return `${readBackPrefix(keyPrefix, key, readingSum)}${String(piece).padStart(6, '0')}-${hex(crc32)}`
}

/** The piece that a key tells of; `undefined` for a key of another shape. */
export function parseReadBackKey(key: string): { piece: number; crc32: number } | undefined {
  const [, piece, sum] = /-(\d{6})-([0-9a-f]{8})$/.exec(key) ?? []
  return piece === undefined || sum === undefined
    ? undefined
    : { piece: Number(piece), crc32: Number.parseInt(sum, 16) }
}

const hex = (sum: number): string => sum.toString(16).padStart(8, '0')

/** Beside a disk's archive: the ranges of its parts, the blocks that were ever written, and its frames. */
export function diskPlanKey(key: string): string {
  return `${key}.parts.json`
}

export function allocationMapKey(key: string): string {
  return `${key}.map.json`
}

export function frameListKey(key: string): string {
  return `${key}.frames.json`
}

/** The records of all open uploads of archives, with a slash at its end. */
export function uploadRecordsPrefix(keyPrefix: string): string {
  return `${keyPrefix}uploads/archives/`
}

/** Where tests of the store write and remove, with a slash at its end. */
export function storeTestsPrefix(keyPrefix: string): string {
  return `${keyPrefix}uploads/test/`
}

/** The object of one test of the store. `token`: drawn for it. */
export function storeTestKey(keyPrefix: string, token: string): string {
  return `${storeTestsPrefix(keyPrefix)}${token}`
}

/** The key of the archive's file that an upload's record is about: the inverse of `uploadRecordKey`. */
export function recordedKey(keyPrefix: string, recordKey: string): string {
  return `${keyPrefix}${recordKey.slice(`${keyPrefix}uploads/`.length, -'.json'.length)}`
}

/** What one sweep of abandoned uploads found. */
export function sweepReportKey(keyPrefix: string, sweepId: string, startedAt: string): string {
  return `${keyPrefix}sweeps/${dayPath(startedAt)}${sweepId}.json`
}

/** What one sweep found on a site's platform. */
export function strayReportKey(keyPrefix: string, sweepId: string, startedAt: string, site: string): string {
  return `${keyPrefix}sweeps/${dayPath(startedAt)}${sweepId}-strays-${site}.json`
}

/** The folder of one pruning of a site, with a slash at its end. */
export function pruningPrefix(keyPrefix: string, pruningId: string, startedAt: string): string {
  return `${keyPrefix}prunings/${dayPath(startedAt)}${pruningId}/`
}

/** The folder of one run over archives that are due to be verified, with a slash at its end. */
export function verificationPrefix(keyPrefix: string, verificationId: string, startedAt: string): string {
  return `${verificationsOfDayPrefix(keyPrefix, startedAt)}${verificationId}/`
}

/** Where the runs over due archives lie that were started on the day of an instant, with a slash at its end. */
export function verificationsOfDayPrefix(keyPrefix: string, instant: string): string {
  return `${keyPrefix}verifications/${dayPath(instant)}`
}

/** What one reading of an archive found, by the day of the reading: it stays when the archive goes. */
export function keptVerdictKey(keyPrefix: string, folder: string, verifiedAt: string): string {
  // Site, guest and time: `folder` may have another prefix than the books.
  const archive = folder.split('/').slice(-4).join('/')
  const time = new Date(verifiedAt).toISOString().replaceAll(':', '-')
  return `${verificationsOfDayPrefix(keyPrefix, verifiedAt)}verdicts/${archive}${time}.json`
}

/** Whether a key below `verifications/` is that of a kept verdict. */
export function isKeptVerdictKey(keyPrefix: string, key: string): boolean {
  return key.startsWith(keyPrefix) && /^verifications\/\d{4}\/\d\d\/\d\d\/verdicts\//.test(key.slice(keyPrefix.length))
}

/** What a verification's plan leaves out, and why. */
export function unreadKey(prefix: string): string {
  return `${prefix}unread.json`
}

/** Which execution serves a schedule's slot. */
export function scheduleSlotKey(keyPrefix: string, schedule: string, scheduledAt: string): string {
  return `${keyPrefix}schedules/${schedule}/${keyTime(scheduledAt)}.json`
}

/** Where the index objects of the catalogue lie, of one site or of all, with a slash at its end. */
export function catalogueIndexesPrefix(keyPrefix: string, site?: string): string {
  return `${keyPrefix}catalogue/${site === undefined ? '' : `${site}/`}`
}

/** What a guest's manifests say, in one small object. */
export function catalogueIndexKey(keyPrefix: string, site: string, guest: KeyedGuest): string {
  return `${catalogueIndexesPrefix(keyPrefix, site)}${guest.kind}-${guest.id}.json`
}

/** The page of a site's catalogue, as the last run of the site left it. */
export function cataloguePageKey(keyPrefix: string, site: string): string {
  return `${catalogueIndexesPrefix(keyPrefix, site)}index.html`
}

/** How to restore without Guestlift, as a text and as a script. */
export function rootFileKey(keyPrefix: string, name: (typeof rootFiles)[number]): string {
  return `${keyPrefix}${name}`
}

/** What one check of a site's coverage found. */
export function coverageReportKey(keyPrefix: string, coverageId: string, startedAt: string): string {
  return `${keyPrefix}coverage/${dayPath(startedAt)}${coverageId}.json`
}

/** What the last check of a site's coverage found. */
export function lastCoverageKey(keyPrefix: string, site: string): string {
  return `${keyPrefix}coverage/${site}.json`
}

/** What retention decided and did for a guest, with a slash at its end. */
function retentionFolder(keyPrefix: string, site: string, guest: KeyedGuest): string {
  return `${keyPrefix}retention/${site}/${guest.kind}-${guest.id}/`
}

/** What one run of retention did for a guest. */
export function retentionReportKey(keyPrefix: string, site: string, guest: KeyedGuest, decidedAt: string): string {
  return `${retentionFolder(keyPrefix, site, guest)}${keyTime(decidedAt)}.json`
}

/** Who removes archives of a guest at this moment. */
export function pruningLeaseKey(keyPrefix: string, site: string, guest: KeyedGuest): string {
  return `${retentionFolder(keyPrefix, site, guest)}lease.json`
}

/** When a person last confirmed a pruning though the times of the guest's archives were in doubt. */
export function clockConfirmationKey(keyPrefix: string, site: string, guest: KeyedGuest): string {
  return `${retentionFolder(keyPrefix, site, guest)}clock.json`
}

/** Archives of a guest that people pinned, with a slash at its end. */
export function pinsPrefix(keyPrefix: string, site: string, guest: KeyedGuest): string {
  return `${retentionFolder(keyPrefix, site, guest)}pins/`
}

/** A person's word that an archive stays. `name`: the last of its folder, which is its time. */
export function pinKey(keyPrefix: string, site: string, guest: KeyedGuest, name: string): string {
  return `${pinsPrefix(keyPrefix, site, guest)}${name}/pin.json`
}

/** Removals of a guest's archives that were begun and aren't at their end, with a slash at its end. */
export function removalRecordsPrefix(keyPrefix: string, site: string, guest: KeyedGuest): string {
  return `${retentionFolder(keyPrefix, site, guest)}removing/`
}

/** The record of the removal of the archive in a folder of the guest's. */
export function removalRecordKey(keyPrefix: string, site: string, guest: KeyedGuest, folder: string): string {
  return `${removalRecordsPrefix(keyPrefix, site, guest)}${folder.split('/').at(-2) ?? ''}.json`
}

/** The folder of one restore, with a slash at its end. */
export function restorePrefix(keyPrefix: string, restoreId: string, startedAt: string): string {
  return `${keyPrefix}restores/${dayPath(startedAt)}${restoreId}/`
}

/** What a restore is to do and how far it is. */
export function restoreRecordKey(prefix: string): string {
  return `${prefix}restore.json`
}

/** Where the ranges are written down that are proved to lie on the target, with a slash at its end. */
export function deliveredPrefix(prefix: string, generation: number): string {
  return `${prefix}delivered/${generation}/`
}

/** One range by its number and the CRC-32 of its bytes: the key says all, so that one list tells of a thousand. */
export function deliveredKey(
  prefix: string,
  generation: number,
  { part, crc32 }: { part: number; crc32: number },
): string {
  return `${deliveredPrefix(prefix, generation)}${String(part).padStart(5, '0')}-${crc32.toString(16).padStart(8, '0')}`
}

/** The range that a key tells of; `undefined` for a key of another shape. */
export function readDeliveredKey(key: string): { part: number; crc32: number } | undefined {
  const [, part, sum] = /\/(\d{5,})-([0-9a-f]{8})$/.exec(key) ?? []
  return part === undefined || sum === undefined ? undefined : { part: Number(part), crc32: Number.parseInt(sum, 16) }
}

/** Where the disks of a restore lie that were taken out of its archive, with a slash at its end. Nothing else does. */
export function unpackedPrefix(keyPrefix: string, restoreId: string, startedAt: string): string {
  return `${keyPrefix}unpacked/${dayPath(startedAt)}${restoreId}/`
}

/** Where the leases of all restores of a site lie, with a slash at its end. */
export function restoreLeasesPrefix(keyPrefix: string, site: string): string {
  return `${keyPrefix}restores/open/${site}/`
}

/** Which restore has an id of a site at this moment. */
export function restoreLeaseKey(keyPrefix: string, site: string, id: string): string {
  return `${restoreLeasesPrefix(keyPrefix, site)}${id}.json`
}

/** Where everything about drills lies, with a slash at its end. */
export function drillsPrefix(keyPrefix: string): string {
  return `${keyPrefix}drills/`
}

/** The folder of one drill over several guests, with a slash at its end. */
export function drillPrefix(keyPrefix: string, drillId: string, startedAt: string): string {
  return `${drillsPrefix(keyPrefix)}${dayPath(startedAt)}${drillId}/`
}

/** The evidence of one rehearsal, by the restore that it is. */
export function drillEvidenceKey(keyPrefix: string, restoreId: string, startedAt: string): string {
  return `${drillsPrefix(keyPrefix)}${dayPath(startedAt)}${restoreId}.json`
}

/** The day on which the evidence of a key was begun, as `2026-11-20`; `undefined` for all else below `drills/`. */
export function drillEvidenceDay(keyPrefix: string, key: string): string | undefined {
  if (readDrillEvidenceKey(keyPrefix, key) === undefined) return undefined
  return key.slice(drillsPrefix(keyPrefix).length).slice(0, 10).replaceAll('/', '-')
}

/** Which restore a key is the evidence of; `undefined` for all else below `drills/`. */
export function readDrillEvidenceKey(keyPrefix: string, key: string): { restoreId: string } | undefined {
  const [, restoreId] = /^\d{4}\/\d{2}\/\d{2}\/([^/]+)\.json$/.exec(key.slice(drillsPrefix(keyPrefix).length)) ?? []
  return restoreId === undefined ? undefined : { restoreId }
}

/** When each guest of a site was rehearsed last. */
export function rehearsalBookKey(keyPrefix: string, site: string): string {
  return `${drillsPrefix(keyPrefix)}sites/${site}.json`
}

/** Where what is known of a site beside its guests lies, with a slash at its end. Names sort by time. */
export function configurationsPrefix(keyPrefix: string, site: string): string {
  return `${keyPrefix}configurations/${site}/`
}

export function configurationKey(keyPrefix: string, site: string, takenAt: string): string {
  return `${configurationsPrefix(keyPrefix, site)}${keyTime(takenAt)}.json`
}

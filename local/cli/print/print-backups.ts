import { formatBytes } from '../../../functions/domain/words/byte-size.ts'
import type {
  ArchiveListing,
  PlatformArchive,
  UnreadPlace,
} from '../../../functions/providers/capabilities/archives-on-platform.ts'
import { ownTime } from './own-time.ts'

/** A place that didn't answer makes a list incomplete, which must not go unnoticed. */
export function unreadLines(unread: readonly UnreadPlace[]): string[] {
  return unread.map(({ node, storage, reason }) =>
    storage === undefined ? `NOT READ: node ${node}. ${reason}` : `NOT READ: storage ${storage} on ${node}. ${reason}`,
  )
}

/** Address first, so that it can be copied into the next command. */
export function archiveLine(archive: PlatformArchive): string {
  const { artifactRef, node, createdAt, sizeBytes, notes, verification } = archive
  const marks = [
    archive.protected ? 'protected' : '',
    archive.encrypted ? 'encrypted' : '',
    verification === undefined ? '' : `the backup server's check: ${verification}`,
    // Terminals obey control characters, and notes are anybody's text.
    // oxlint-disable-next-line no-control-regex -- control characters are what is meant
    notes === '' ? '' : JSON.stringify(notes.replace(/[\u0000-\u001F\u007F-\u009F]+/g, ' ')),
  ].filter((mark) => mark !== '')
  return [`${artifactRef}  ${ownTime(createdAt)}  ${formatBytes(sizeBytes)}  on ${node}`, ...marks].join('  ')
}

/** What a list doesn't show, a line each. */
export function lackLines({ hidden, unread, mayLack }: Omit<ArchiveListing, 'archives'>): string[] {
  return [
    ...hidden.map(
      ({ storage, node, count, needs }) =>
        `NOT SHOWN: ${count} on storage ${storage} (node ${node}). Seeing them takes ${needs}.`,
    ),
    ...unreadLines(unread),
    ...(mayLack === undefined ? [] : [`MAY LACK ARCHIVES: ${mayLack}`]),
  ]
}

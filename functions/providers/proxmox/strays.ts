import { GuestliftError } from '../../contracts/errors.ts'
import type { ArchivesOnPlatform, PlatformArchive } from '../capabilities/archives-on-platform.ts'
import type { ProviderDeps } from '../provider-deps.ts'
import type { Stray } from '../provider.ts'
import { removalOf } from './left-behind.ts'
import { tokenInNotes } from './notes-template.ts'

/**
 * Archives on the site's storages whose notes bear our mark. Protected ones belong to whoever protected them. An archive
 * that can't be read isn't known to be ours.
 */
export async function findStrays(
  { list, readMarks }: Pick<ArchivesOnPlatform, 'list' | 'readMarks'>,
  olderThan: Date,
  site: string,
  log: ProviderDeps['log'],
): Promise<Stray[]> {
  const { archives, unread } = await list({})
  for (const { node, reason } of unread) log('strays-not-seen', { site, node, reason })
  const strays: Stray[] = []
  for (const archive of archives) {
    if (archive.protected || Date.parse(archive.createdAt) >= olderThan.getTime()) continue
    const token = await tokenOf(archive, readMarks)
    const stray = token === undefined ? undefined : strayOf(archive, token)
    if (stray !== undefined) strays.push(stray)
  }
  return strays
}

async function tokenOf(
  { artifactRef, node }: PlatformArchive,
  readMarks: ArchivesOnPlatform['readMarks'],
): Promise<string | undefined> {
  try {
    return tokenInNotes((await readMarks(artifactRef, node))?.notes ?? '')
  } catch (error) {
    if (!(error instanceof GuestliftError) || error.group === 'fail-run') throw error
    return undefined
  }
}

function strayOf(archive: PlatformArchive, token: string): Stray | undefined {
  const { artifactRef, node, guestId, guestKind, createdAt, sizeBytes } = archive
  if (guestId === undefined || guestKind === undefined) return undefined
  return {
    what: artifactRef,
    made: { guest: { id: guestId, kind: guestKind, name: '', node }, token, sources: [{ artifactRef, node }] },
    createdAt,
    sizeBytes,
    removeWith: removalOf(artifactRef),
  }
}

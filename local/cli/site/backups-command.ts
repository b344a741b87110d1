import { offered } from '../../../functions/providers/capabilities/offered.ts'
import type { KeepRules } from '../../../functions/contracts/retention.ts'
import { formatBytes } from '../../../functions/domain/words/byte-size.ts'
import { exitCodes } from '../exit-codes.ts'
import { type Outcome, exitCodeFor, forEachArchive } from './backups-found.ts'
import { guestIdOf, onSite, type SiteOptions, tell, tellDryRun } from './on-site.ts'
import { ownTime } from '../print/own-time.ts'
import { archiveLine, lackLines, unreadLines } from '../print/print-backups.ts'
import type { ArchiveListing } from '../../../functions/providers/capabilities/archives-on-platform.ts'
import { Verbatim } from '../print/terminal.ts'
import type { StopSignals } from '../stop-signals.ts'

/** Which archives a command means. */
export interface WhereOptions extends SiteOptions {
  storage?: string
  node?: string
}

export interface ListOptions extends WhereOptions {
  guest?: string
}

export interface ConfirmOptions extends WhereOptions {
  confirm?: boolean
}

const filterOf = ({ storage, node }: WhereOptions, guestId?: string) => ({
  ...(storage === undefined ? {} : { storage }),
  ...(node === undefined ? {} : { node }),
  ...(guestId === undefined ? {} : { guestId }),
})

/** Archives on the site's storages, newest first. Exit code 2 when some place couldn't be read. */
export function listBackups(options: ListOptions, stop: StopSignals): Promise<number> {
  return onSite(options, stop, async (provider, site) => {
    const guest = options.guest === undefined ? undefined : await guestIdOf(provider, options.guest, site)
    const listing = await offered(provider, 'archivesOnPlatform').list(filterOf(options, guest))
    const { archives } = listing
    const total = formatBytes(archives.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0))
    tell(options, listing, [
      ...archives.map(archiveLine),
      `${archives.length} archive${archives.length === 1 ? '' : 's'}, ${total}.`,
      ...lackLines(listing),
    ])
    return isWhole(listing) ? exitCodes.succeeded : exitCodes.partial
  })
}

/** A guest's newest archive. Exit code 1 when it has none, 2 when a newer one may lie where nobody could look. */
export function latestBackup(guest: string, options: WhereOptions, stop: StopSignals): Promise<number> {
  return onSite(options, stop, async (provider, site) => {
    const guestId = await guestIdOf(provider, guest, site)
    const { archives, ...rest } = await offered(provider, 'archivesOnPlatform').list(filterOf(options, guestId))
    const [archive] = archives
    const none = isWhole(rest) ? 'was found.' : 'was found where this account could look.'
    tell(options, { archive: archive ?? null, ...rest }, [
      archive === undefined ? `No archive of guest ${guestId} ${none}` : archiveLine(archive),
      ...lackLines(rest),
    ])
    if (archive === undefined) return exitCodes.failed
    return isWhole(rest) ? exitCodes.succeeded : exitCodes.partial
  })
}

const isWhole = ({ hidden, unread, mayLack }: Omit<ArchiveListing, 'archives'>): boolean =>
  hidden.length === 0 && unread.length === 0 && mayLack === undefined

/** Remove archives from the platform's storage: with `--confirm`, else say what would go. Protected ones stay. */
export function deleteBackups(refs: readonly string[], options: ConfirmOptions, stop: StopSignals): Promise<number> {
  const dryRun = options.confirm !== true
  return onSite(options, stop, async (provider) => {
    const outcomes = await forEachArchive(provider, refs, options, async ({ artifactRef, node }): Promise<Outcome> => {
      const marks = await offered(provider, 'archivesOnPlatform').readMarks(artifactRef, node)
      const found = { artifactRef, node }
      // Anyone who wanted it removed may have meant another one: only what was there counts as done.
      if (marks === undefined) return { ...found, outcome: 'gone', done: false, reason: "It isn't there (any more)." }
      if (marks.protected) return stays(found)
      if (dryRun) return { ...found, outcome: 'would-be-removed', done: true, reason: '' }
      const removal = await offered(provider, 'archivesOnPlatform').remove(artifactRef, node)
      // It was there a moment ago, so one that is gone by now is as wanted.
      return removal === 'protected' ? stays(found) : { ...found, outcome: removal, done: true, reason: '' }
    })
    tellOutcomes(options, dryRun, outcomes)
    if (dryRun) tellDryRun('This was a dry run.')
    return exitCodeFor(outcomes)
  })
}

function stays(found: { artifactRef: string; node: string }): Outcome {
  const reason = 'It is protected and stays. Take its protection off with "guestlift backups unprotect" first.'
  return { ...found, outcome: 'protected', done: false, reason }
}

/** Show an archive's whole notes or, with a text, replace them. */
export function backupNotes(
  ref: string,
  text: string | undefined,
  options: WhereOptions,
  stop: StopSignals,
): Promise<number> {
  return onSite(options, stop, async (provider) => {
    const outcomes = await forEachArchive(provider, [ref], options, async ({ artifactRef, node }): Promise<Outcome> => {
      const before = await offered(provider, 'archivesOnPlatform').readMarks(artifactRef, node)
      const found = { artifactRef, node }
      if (before === undefined) return { ...found, outcome: 'gone', done: false, reason: "It isn't there (any more)." }
      if (text === undefined) return { ...found, outcome: 'read', done: true, reason: '', ...before }
      const after = await offered(provider, 'archivesOnPlatform').editMarks(artifactRef, node, { notes: text })
      const reason = before.notes === '' ? '' : `Before: ${JSON.stringify(before.notes)}`
      return { ...found, outcome: 'changed', done: true, reason, ...after }
    })
    const [outcome] = outcomes
    if (text === undefined && outcome?.outcome === 'read') tell(options, outcome, [new Verbatim(outcome.notes ?? '')])
    else tellOutcomes(options, false, outcomes)
    return exitCodeFor(outcomes)
  })
}

/** Protect archives from removal by anybody, or take that off. */
export function protectBackups(
  refs: readonly string[],
  wanted: boolean,
  options: WhereOptions,
  stop: StopSignals,
): Promise<number> {
  return onSite(options, stop, async (provider) => {
    const outcomes = await forEachArchive(provider, refs, options, async ({ artifactRef, node }): Promise<Outcome> => {
      const before = await offered(provider, 'archivesOnPlatform').readMarks(artifactRef, node)
      const found = { artifactRef, node }
      if (before === undefined) return { ...found, outcome: 'gone', done: false, reason: "It isn't there (any more)." }
      const now = { protected: wanted }
      if (before.protected === wanted) return { ...found, outcome: 'already', done: true, reason: '', ...now }
      await offered(provider, 'archivesOnPlatform').editMarks(artifactRef, node, now)
      return { ...found, outcome: wanted ? 'protected-now' : 'unprotected-now', done: true, reason: '', ...now }
    })
    tellOutcomes(options, false, outcomes)
    return exitCodeFor(outcomes)
  })
}

export interface PruneOptions extends ListOptions {
  storage: string
  rules: KeepRules | undefined
}

/** What the platform's own pruning would remove, as the platform itself computes it. Changes nothing. */
export function previewPrune(options: PruneOptions, stop: StopSignals): Promise<number> {
  return onSite(options, stop, async (provider, site) => {
    const guest = options.guest === undefined ? undefined : await guestIdOf(provider, options.guest, site)
    const filter = { ...filterOf(options, guest), storage: options.storage }
    const preview = await offered(provider, 'archivesOnPlatform').previewPrune(filter, options.rules)
    const removed = preview.marks.filter(({ mark }) => mark === 'remove').length
    tell(options, { storage: options.storage, rules: options.rules ?? null, ...preview }, [
      ...preview.marks.map(
        ({ mark, artifactRef, createdAt }) => `${mark.padEnd(9)}  ${ownTime(createdAt)}  ${artifactRef}`,
      ),
      `${removed} of ${preview.marks.length} would be removed. Nothing was changed.`,
      ...unreadLines(preview.unread),
    ])
    return preview.unread.length > 0 ? exitCodes.partial : exitCodes.succeeded
  })
}

function tellOutcomes(options: SiteOptions, dryRun: boolean, outcomes: readonly Outcome[]): void {
  const shown = outcomes.map(({ done: _done, ...outcome }) => outcome)
  tell(
    options,
    { dryRun, archives: shown },
    outcomes.map(({ artifactRef, node, outcome, reason }) =>
      `${outcome.replaceAll('-', ' ')}: ${artifactRef}${node === undefined ? '' : ` on ${node}`}. ${reason}`.trimEnd(),
    ),
  )
}

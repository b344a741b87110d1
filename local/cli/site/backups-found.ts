import type { ArchivesOnPlatform } from '../../../functions/providers/capabilities/archives-on-platform.ts'
import { offered } from '../../../functions/providers/capabilities/offered.ts'
import { GuestliftError } from '../../../functions/contracts/errors.ts'
import type { Provider } from '../../../functions/providers/provider.ts'
import { exitCodes } from '../exit-codes.ts'
import { lackLines } from '../print/print-backups.ts'

/** An archive and where to ask for it. */
export interface Found {
  artifactRef: string
  node: string
}

/** What became of one archive that a command was given. */
export interface Outcome {
  artifactRef: string
  node?: string
  outcome: string
  /** What was wanted is so now. */
  done: boolean
  reason: string
  notes?: string
  protected?: boolean
}

/**
 * Do something with each archive, named by its address or its file name; one's failure doesn't stop the others. Without
 * a node the storages are searched for it.
 * @throws errors of the login and the like, which concern all of them alike
 */
export async function forEachArchive(
  provider: Provider,
  refs: readonly string[],
  { storage, node }: { storage?: string; node?: string },
  act: (found: Found) => Promise<Outcome>,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  const look = searcher(provider, storage, node)
  for (const ref of refs) {
    try {
      // An address with its node needs no search, and so reaches what a list would hide.
      const found = node !== undefined && ref.includes(':') ? { artifactRef: ref, node } : await look(ref)
      outcomes.push('outcome' in found ? found : await act(found))
    } catch (error) {
      if (!(error instanceof GuestliftError) || error.name === 'CredentialsRejected') throw error
      outcomes.push({ artifactRef: ref, outcome: 'failed', done: false, reason: error.message })
    }
  }
  return outcomes
}

/** Looks archives up in lists, each of which is fetched at the first look. An address says itself which storage is meant. */
function searcher(provider: Provider, storage: string | undefined, node: string | undefined) {
  const listings = new Map<string | undefined, ReturnType<ArchivesOnPlatform['list']>>()
  return async (ref: string): Promise<Found | Outcome> => {
    const at = storage ?? (ref.includes(':') ? ref.slice(0, ref.indexOf(':')) : undefined)
    const listing =
      listings.get(at) ??
      offered(provider, 'archivesOnPlatform').list({
        ...(at === undefined ? {} : { storage: at }),
        ...(node === undefined ? {} : { node }),
      })
    listings.set(at, listing)
    const { archives, ...rest } = await listing
    const [first, ...others] = archives.filter(
      ({ artifactRef }) => artifactRef === ref || artifactRef.endsWith(`/${ref}`),
    )
    if (first === undefined) {
      const blind = lackLines(rest)
      const reason =
        blind.length === 0 ? "It isn't there (any more)." : `Not everything was searched. ${blind.join(' ')}`
      return { artifactRef: ref, outcome: blind.length === 0 ? 'gone' : 'not-found', done: false, reason }
    }
    if (others.length > 0) {
      const places = [first, ...others].map((one) => `${one.artifactRef} on ${one.node}`).join(', ')
      return {
        artifactRef: ref,
        outcome: 'ambiguous',
        done: false,
        reason: `Say which with --storage or --node: ${places}.`,
      }
    }
    return { artifactRef: first.artifactRef, node: first.node }
  }
}

/** 0 when everything is as wanted, 1 when nothing is, 2 in between. */
export function exitCodeFor(outcomes: readonly Outcome[]): number {
  const done = outcomes.filter((outcome) => outcome.done).length
  if (done === outcomes.length) return exitCodes.succeeded
  return done === 0 ? exitCodes.failed : exitCodes.partial
}

import { createHash } from 'node:crypto'
import * as z from 'zod'
import type { CatalogueIndex, IndexedArchive } from '../../contracts/catalogue.ts'
import { ObjectFrozen, StoreDenied } from '../../contracts/errors.ts'
import type { ArchiveFiles } from '../../domain/catalogue/catalogue.ts'
import { catalogueIndexKey, type KeyedGuest } from '../../domain/books/object-keys.ts'
import { catalogueIndexShape } from '../books/shapes.ts'
import { recordIn, recordText } from '../books/stored-json.ts'
import type { Ports } from '../ports.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix'>

/** A guest's index as it lies in the bucket, by folder name; and its text, to see whether another would differ. */
export interface FoundIndex {
  archives: ReadonlyMap<string, IndexedArchive>
  text: string
  /** There is one that claims to be of this version, and nobody can go by it. */
  damaged: boolean
}

/** The text of a guest's index. */
export function indexText(site: string, guest: KeyedGuest, archives: IndexedArchive[]): string {
  const index: CatalogueIndex = {
    version: 5,
    site,
    guest: { kind: guest.kind, id: guest.id },
    sum: sumOf(archives),
    archives,
  }
  return recordText(catalogueIndexShape, index)
}

/**
 * A guest's index, or none: one that is damaged, of another version, of another guest or not for this reader's eyes
 * counts as none.
 */
export async function readIndex(site: string, guest: KeyedGuest, { store, keyPrefix }: Needs): Promise<FoundIndex> {
  const text = await textOrNone(catalogueIndexKey(keyPrefix, site, guest), store)
  const found = recordIn(catalogueIndexShape, text)
  const data = 'value' in found ? found.value : undefined
  const usable =
    data !== undefined &&
    data.site === site &&
    data.guest.id === guest.id &&
    data.guest.kind === guest.kind &&
    data.sum === sumOf(data.archives)
  return {
    archives: new Map(usable ? data.archives.map((one) => [one.folder, one]) : []),
    text,
    damaged: text !== '' && !usable && !isOfOtherVersion(text),
  }
}

/** Written by another release: nothing is wrong with it. */
function isOfOtherVersion(text: string): boolean {
  const { version } = catalogueIndexShape
  const found = recordIn(
    {
      schema: z.object({
        version: z
          .int()
          .min(1)
          .max(version - 1),
      }),
      version,
    },
    text,
  )
  return !('unreadable' in found)
}

/** What an index has of an archive. */
export function indexed(archive: Pick<ArchiveFiles, 'folder'>, { archives }: FoundIndex): IndexedArchive | undefined {
  return archives.get(folderName(archive))
}

/** By which an index names an archive: the folder's own name. */
export function folderName({ folder }: Pick<ArchiveFiles, 'folder'>): string {
  return folder.split('/').at(-2) ?? ''
}

/** Who may read the archives may read the catalogue; without a right to list the bucket, S3 denies what isn't there. */
async function textOrNone(key: string, store: Needs['store']): Promise<string> {
  try {
    return (await store.readText(key))?.text ?? ''
  } catch (error) {
    if (error instanceof StoreDenied || error instanceof ObjectFrozen) return ''
    throw error
  }
}

/** Over the facts as parsed: keys in the schema's order, so that a text laid out anew has the same sum. */
function sumOf(archives: readonly IndexedArchive[]): string {
  return `sha256:${createHash('sha256').update(JSON.stringify(archives, sortedKeys)).digest('hex')}`
}

function sortedKeys(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1)))
}

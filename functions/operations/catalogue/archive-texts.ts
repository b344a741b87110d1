/** What manifest and verification in an archive's folder say, each read from the bucket only where the index can't tell. */
import type { StoredText } from '../../aws/archive-store.ts'
import type { IndexedArchive, ManifestFacts, VerificationFacts } from '../../contracts/catalogue.ts'
import { type ArchiveFiles, type ListedFile, manifestFile, verificationFile } from '../../domain/catalogue/catalogue.ts'
import { readManifestFacts, readVerification } from '../../domain/catalogue/manifest-facts.ts'
import type { FrozenText } from '../books/frozen-text.ts'

export interface FoundText<Facts> {
  facts: Facts
  /** Of the text that the facts are from. Empty where that couldn't be read now: it may say something else later. */
  etag: string
  fromIndex: boolean
  /** Why the text can't be read before somebody restores it, a sentence. */
  frozen?: string
}

export interface ArchiveTexts {
  /** Absent: there is no manifest, or none any more. */
  manifest: FoundText<ManifestFacts | { unreadable: string }> | undefined
  verification: FoundText<VerificationFacts> | undefined
}

type ReadText = (key: string) => Promise<StoredText | FrozenText | undefined>

/**
 * @param known the archive's entry in its guest's index. It counts only for an object that has the same ETag in the
 * listing; without one, everything is read
 */
export async function archiveTexts(
  archive: ArchiveFiles,
  known: IndexedArchive | undefined,
  read: ReadText,
): Promise<ArchiveTexts> {
  return {
    manifest: await textOf(manifestFile(archive), known?.manifestEtag, known?.facts, read, {
      parsed: (text) => readManifestFacts(text, archive),
      unread: (frozen) => ({ unreadable: frozen }),
    }),
    verification: await textOf(verificationFile(archive), known?.verificationEtag, known?.verification, read, {
      parsed: readVerification,
      unread: (frozen) => ({ state: 'unreadable', reason: frozen, tags: [] }),
    }),
  }
}

async function textOf<Facts>(
  file: ListedFile | undefined,
  knownEtag: string | undefined,
  known: Facts | undefined,
  read: ReadText,
  { parsed, unread }: { parsed: (text: string) => Facts; unread: (frozen: string) => Facts },
): Promise<FoundText<Facts> | undefined> {
  if (file === undefined) return undefined
  // A store that lists no ETags gives no way to tell, so everything is read.
  if (known !== undefined && file.etag !== '' && file.etag === knownEtag) {
    return { facts: known, etag: file.etag, fromIndex: true }
  }
  const found = await read(file.key)
  if (found === undefined) return undefined
  return 'frozen' in found
    ? { facts: unread(found.frozen), etag: '', fromIndex: false, frozen: found.frozen }
    : { facts: parsed(found.text), etag: found.etag, fromIndex: false }
}

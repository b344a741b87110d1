import { sentence } from '../../domain/words/sentence.ts'
import type { ArchiveStore, StoredText } from '../../aws/archive-store.ts'
import { ObjectFrozen } from '../../contracts/errors.ts'

/** Why a text can't be read now and what to do about it, a sentence. */
export interface FrozenText {
  frozen: string
}

/** A small object's text; where a lifecycle rule moved it to Glacier, that: it's no reason to stop reading others. */
export async function readTextUnlessFrozen(
  store: Pick<ArchiveStore, 'readText'>,
  key: string,
): Promise<StoredText | FrozenText | undefined> {
  try {
    return await store.readText(key)
  } catch (error) {
    if (error instanceof ObjectFrozen) return { frozen: sentence(error.message) }
    throw error
  }
}

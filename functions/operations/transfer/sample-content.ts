import { readArchiveName } from '../../archive-formats/proxmox/file-name.ts'
import { GuestliftError } from '../../contracts/errors.ts'
import type { StoredArtifact } from '../../contracts/nouns.ts'
import type { ContentSample } from '../../contracts/verification.ts'
import { EntropyCounter, sampleRanges } from '../../domain/catalogue/entropy.ts'
import { inOrder } from '../books/ordered-lookahead.ts'
import type { Ports } from '../ports.ts'

const RANGES_AT_ONCE = 8

/**
 * How random the content of what was stored looks: from 1 MiB of each uncompressed file, 64 requests that cost $0.00003
 * together and, within the region, nothing for the bytes. Of compressed files, and of what can't be read now, nothing.
 */
export async function sampleContent(
  stored: readonly Pick<StoredArtifact, 'key' | 'fileName'>[],
  { store }: Pick<Ports, 'store'>,
): Promise<ContentSample | undefined> {
  const counter = new EntropyCounter()
  const readable = stored.filter(({ fileName }) => readArchiveName(fileName)?.compression === 'none')
  try {
    for (const { key } of readable) await countRanges(key, counter, store)
  } catch (error) {
    if (!(error instanceof GuestliftError)) throw error
    return undefined
  }
  const { bitsPerByte: entropyBitsPerByte, sampledBytes } = counter
  return entropyBitsPerByte === undefined ? undefined : { entropyBitsPerByte, sampledBytes }
}

async function countRanges(key: string, counter: EntropyCounter, store: Ports['store']): Promise<void> {
  const object = await store.head(key)
  if (object === undefined) return
  const { sizeBytes, etag } = object
  const read = inOrder(sampleRanges(sizeBytes), RANGES_AT_ONCE, (range) => store.readRange(key, { ...range, etag }))
  for await (const bytes of read) counter.add(bytes)
}

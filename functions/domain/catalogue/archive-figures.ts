/**
 * By what an archive is compared with those before it, and what makes it look wrong: a guest that was emptied shrinks,
 * one that was encrypted compresses no more and looks random. Pure, and the one judge for retention and coverage.
 */
import type { ManifestFacts, VerificationFacts } from '../../contracts/catalogue.ts'

export interface ArchiveFigures {
  /** Of the artifacts, as stored. */
  sizeBytes: number
  /** What went into them before they were compressed. */
  contentBytes?: number
  /** How random the content looks, 0 to 8. */
  entropyBitsPerByte?: number
}

/** A figure that is far from what is usual, and a sentence that says so. */
export interface Oddity {
  figure: 'size' | 'ratio' | 'entropy'
  sentence: string
}

/** So many archives before the newest that have a figure tell what is usual of it. */
export const HISTORY = 10
/** Fewer tell nothing. */
const LEAST_HISTORY = 2
/** Guests grow and shrink; to half or double from one archive to the next they seldom do, unless emptied or encrypted. */
const FAR_SIZE = 2
/**
 * Of the ratio of size to content. From one archive to the next it moves by a few hundredths, rounding in the log
 * included (`contentBytes` is at most 5 % off). Of a guest that compresses to 0.5, it is what encrypting 30 % does.
 */
const FAR_RATIO = 0.15
/**
 * Bits per byte. Samples from other places of the same content differ by 0.13 (standard deviation, measured), so that it
 * isn't reached by chance; encrypting 30 % of content of 5.2 bits, as systems have, adds 0.8.
 */
const FAR_ENTROPY = 0.75

/**
 * Figures as manifest and verification tell them. The manifest's come first: the newest archive has no others yet, and
 * like is to be compared with like.
 */
export function figuresOf(
  sizeBytes: number,
  facts: Pick<ManifestFacts, 'contentBytes' | 'entropyBitsPerByte'> | undefined,
  verification: Pick<VerificationFacts, 'contentBytes' | 'entropyBitsPerByte'> | undefined,
): ArchiveFigures {
  const contentBytes = facts?.contentBytes ?? verification?.contentBytes
  const entropyBitsPerByte = facts?.entropyBitsPerByte ?? verification?.entropyBitsPerByte
  return {
    sizeBytes,
    ...(contentBytes === undefined ? {} : { contentBytes }),
    ...(entropyBitsPerByte === undefined ? {} : { entropyBitsPerByte }),
  }
}

/**
 * What is odd about an archive beside those before it. Compared is with the median: while most of the last ten look
 * otherwise, a few odd ones in a row make each other no more usual; once most look so, that is how the guest is now.
 * @param before of the same way of compressing, newest first
 */
export function oddities(newest: ArchiveFigures, before: readonly ArchiveFigures[]): Oddity[] {
  const usualOf = (figure: (of: ArchiveFigures) => number | undefined) => {
    const values = before.flatMap((one) => figure(one) ?? []).slice(0, HISTORY)
    return values.length < LEAST_HISTORY ? undefined : median(values)
  }
  const found: Oddity[] = []
  const size = usualOf(({ sizeBytes }) => sizeBytes)
  if (size !== undefined && (newest.sizeBytes * FAR_SIZE < size || newest.sizeBytes > size * FAR_SIZE)) {
    const sentence = `It has ${newest.sizeBytes} bytes, and those before it about ${Math.round(size)}.`
    found.push({ figure: 'size', sentence })
  }
  const [ratio, usualRatio] = [ratioOf(newest), usualOf(ratioOf)]
  if (ratio !== undefined && usualRatio !== undefined && Math.abs(ratio - usualRatio) > FAR_RATIO) {
    const why = ratio > usualRatio ? ': what was encrypted compresses no more' : ''
    const sentence = `It has ${percent(ratio)} of the size of its content, and those before it about ${percent(usualRatio)}${why}.`
    found.push({ figure: 'ratio', sentence })
  }
  const [entropy, usualEntropy] = [newest.entropyBitsPerByte, usualOf(({ entropyBitsPerByte }) => entropyBitsPerByte)]
  if (entropy !== undefined && usualEntropy !== undefined && Math.abs(entropy - usualEntropy) > FAR_ENTROPY) {
    const why = entropy > usualEntropy ? ': what was encrypted has nearly 8' : ''
    const sentence = `Its content has ${entropy.toFixed(1)} bits per byte, and that of those before it about ${usualEntropy.toFixed(1)}${why}.`
    found.push({ figure: 'entropy', sentence })
  }
  return found
}

function ratioOf({ sizeBytes, contentBytes }: ArchiveFigures): number | undefined {
  return contentBytes === undefined || contentBytes <= 0 ? undefined : sizeBytes / contentBytes
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? 0
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}

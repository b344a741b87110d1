/** Which pages of a page blob were ever written (Storage API: "Get Page Ranges"). */
import { parseXML } from '@aws-sdk/xml-builder'
import * as z from 'zod'
import type { Extent } from '../domain/encoding/allocation-map.ts'
import type { Line } from '../http/api-line.ts'
import { fieldOf, NoAzureAnswer, refusalOf, unanswered } from './azure-line.ts'

/** An older one that every account knows, and the first but one that hands long lists out in pages. */
export const STORAGE_VERSION = '2021-08-06'
/** A page of the list holds 10,000 ranges at most, and a range a page of 512 bytes at least. */
const MOST_ANSWERS = 100_000

const count = z.coerce.number().int().nonnegative()
const range = z.object({ Start: count, End: count })
const ranges = z.union([z.array(range), range.transform((one) => [one])]).default([])
const listSchema = z.object({
  // Without any range, the element is empty text.
  PageList: z.union([
    z.object({ PageRange: ranges, NextMarker: z.string().optional() }),
    z.literal('').transform(() => ({ PageRange: [], NextMarker: undefined })),
  ]),
})

export interface BlobState {
  sizeBytes: number
  /** As the header has it, with its quotes. */
  etag: string | undefined
}

/**
 * What was written of a window of the blob, ascending.
 * @param address with its signature
 * @param blob as it was when it was opened: a list about another state is refused
 * @throws AzureRefusal, NoAzureAnswer
 */
export async function writtenPages(line: Line, address: URL, window: Extent, blob: BlobState): Promise<Extent[]> {
  const found: Extent[] = []
  let marker: string | undefined
  for (let answers = 0; answers < MOST_ANSWERS; answers += 1) {
    const query = `${address.search}&comp=pagelist${marker === undefined ? '' : `&marker=${encodeURIComponent(marker)}`}`
    const page = await pageOf(line, address, query, window, blob)
    for (const { Start: from, End: last } of page.PageRange) {
      const before = found.at(-1)?.to ?? window.from
      if (from < before || last < from || last >= window.to) {
        throw new NoAzureAnswer(true, `the list of written pages names bytes ${from}-${last}, which are out of place`)
      }
      found.push({ from, to: last + 1 })
    }
    if (page.NextMarker === undefined || page.NextMarker === '') return found
    marker = page.NextMarker
  }
  throw new NoAzureAnswer(true, 'the list of written pages has no end')
}

async function pageOf(line: Line, address: URL, query: string, window: Extent, { sizeBytes, etag }: BlobState) {
  const answer = await line
    .request({
      method: 'GET',
      path: `${address.pathname}${query}`,
      headers: {
        accept: 'application/xml',
        'x-ms-version': STORAGE_VERSION,
        'x-ms-range': `bytes=${window.from}-${window.to - 1}`,
        ...(etag === undefined ? {} : { 'if-match': etag }),
      },
    })
    .catch((error: unknown) => {
      throw unanswered(error)
    })
  if (answer.status !== 200) throw refusalOf(answer)
  const ofBytes = fieldOf(answer, 'x-ms-blob-content-length')
  if (ofBytes !== undefined && Number(ofBytes) !== sizeBytes) {
    throw new NoAzureAnswer(
      true,
      `the list of written pages is of a blob of ${ofBytes} bytes, and ours has ${sizeBytes}`,
    )
  }
  const read = listSchema.safeParse(parsed(answer.body))
  if (read.success) return read.data.PageList
  throw new NoAzureAnswer(true, "the list of written pages isn't as Azure documents it")
}

function parsed(text: string): unknown {
  try {
    return parseXML(text)
  } catch {
    return undefined
  }
}

/** What all listings share: prefix, delimiter, the cut into pages, encoding of names. */
import { invalidArgument } from '../errors.ts'
import { uriEncode } from '../protocol/canonical-request.ts'
import type { S3Request } from '../protocol/request.ts'
import { element, type XmlElement } from '../protocol/xml.ts'
import { compareKeys } from '../store/key-order.ts'

/** An entry of the page, or a group of keys that share a prefix up to the delimiter. */
export type PageItem<Item> = { key: string; item: Item } | { commonPrefix: string }

export interface Page<Item> {
  items: { key: string; item: Item }[]
  commonPrefixes: string[]
  truncated: boolean
  /** The last key or common prefix of the page: the next one continues after it. */
  last: string
}

export interface PageRequest {
  prefix: string
  delimiter: string
  limit: number
  /** Skip keys up to here, and groups that were already listed. */
  after: string
}

/** `entries` yields from a key on, in order; several items per key come out one after another. */
export function cutPage<Item>(entries: (from: string) => Iterable<[string, Item]>, page: PageRequest): Page<Item> {
  const result: Page<Item> = { items: [], commonPrefixes: [], truncated: false, last: '' }
  const { prefix, delimiter, limit, after } = page
  let group: string | undefined
  if (limit === 0) return result
  for (const [key, item] of entries(compareKeys(after, prefix) > 0 ? after : prefix)) {
    if (!key.startsWith(prefix)) break
    if (after !== '' && compareKeys(key, after) <= 0) continue
    const cut = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length)
    const common = cut === -1 ? undefined : key.slice(0, cut + delimiter.length)
    if (common !== undefined && (common === group || common === after)) continue
    if (result.items.length + result.commonPrefixes.length === limit) {
      result.truncated = true
      break
    }
    if (common === undefined) result.items.push({ key, item })
    else result.commonPrefixes.push(common)
    group = common
    result.last = common ?? key
  }
  return result
}

/** How names go into the answer. @throws S3Error InvalidArgument for an encoding S3 doesn't know */
export function nameEncoding(request: S3Request): { encode: (name: string) => string; type: XmlElement[] } {
  const type = request.query.get('encoding-type')
  if (type === undefined || type === '') return { encode: (name) => name, type: [] }
  if (type !== 'url') throw invalidArgument('Invalid Encoding Method specified in Request', ['encoding-type', type])
  return { encode: (name) => uriEncode(name, true), type: [element('EncodingType', 'url')] }
}

export function commonPrefixElements(prefixes: readonly string[], encode: (name: string) => string): XmlElement[] {
  return prefixes.map((prefix) => element('CommonPrefixes', [element('Prefix', encode(prefix))]))
}

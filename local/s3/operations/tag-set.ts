/** Tags, as a header's query string or as XML, under S3's rules: ten per object, unique keys of 128 and values of 256 characters. */
import { invalidArgument, S3Error } from '../errors.ts'
import { element, type XmlElement, type XmlNode } from '../protocol/xml.ts'
import type { Pairs } from '../store/records.ts'

export function parseTagQuery(text: string): Pairs {
  if (text === '') return []
  const tags = [...new URLSearchParams(text)]
  if (new Set(tags.map(([key]) => key)).size !== tags.length) {
    throw invalidArgument(
      "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.",
    )
  }
  return checkTags(tags, 10)
}

export function parseTagging(root: XmlNode, limit: number): Pairs {
  const nodes = root.child('TagSet')?.all('Tag')
  if (nodes === undefined) throw new S3Error('MalformedXML')
  const tags = nodes.map((node): [string, string] => {
    const key = node.child('Key')?.text
    const value = node.child('Value')?.text
    if (key === undefined || value === undefined) throw new S3Error('MalformedXML')
    return [key, value]
  })
  if (new Set(tags.map(([key]) => key)).size !== tags.length) {
    throw new S3Error('InvalidTag', { message: 'Cannot provide multiple Tags with the same key' })
  }
  return checkTags(tags, limit)
}

function checkTags(tags: [string, string][], limit: number): Pairs {
  if (tags.length > limit) {
    throw new S3Error('InvalidTag', { message: `Object tags cannot be greater than ${limit}` })
  }
  for (const [key, value] of tags) {
    if (key === '' || key.length > 128)
      throw new S3Error('InvalidTag', { message: 'The TagKey you have provided is invalid' })
    if (value.length > 256) throw new S3Error('InvalidTag', { message: 'The TagValue you have provided is invalid' })
    if (key.startsWith('aws:')) {
      throw new S3Error('InvalidTag', { message: 'System tags cannot be added/updated by requester' })
    }
  }
  return tags
}

export function taggingElement(tags: Pairs): XmlElement {
  const set = tags.map(([key, value]) => element('Tag', [element('Key', key), element('Value', value)]))
  return element('Tagging', [element('TagSet', set)])
}

/** Is a list the one that was asked for? S3 repeats bucket, prefix and upload in it and says whether it goes on. Pure. */

type Fields = Readonly<Record<string, unknown>>

/** What each list has to repeat: the name of the field in the answer, and that in the request. */
const echoes: Readonly<Record<string, readonly (readonly [answered: string, asked: string])[]>> = {
  ListObjectsV2Command: [['Name', 'Bucket'], ['Prefix', 'Prefix'], ['Delimiter', 'Delimiter']],
  ListObjectVersionsCommand: [['Name', 'Bucket'], ['Prefix', 'Prefix'], ['Delimiter', 'Delimiter']],
  ListMultipartUploadsCommand: [['Bucket', 'Bucket'], ['Prefix', 'Prefix'], ['Delimiter', 'Delimiter']],
  ListPartsCommand: [['Bucket', 'Bucket'], ['Key', 'Key'], ['UploadId', 'UploadId']],
} // biome-ignore format: a list a line

/** Where the entries of a list are that have to lie below its prefix. */
const entries: readonly (readonly [list: string, name: string])[] = [
  ['Contents', 'Key'], ['Versions', 'Key'], ['DeleteMarkers', 'Key'], ['Uploads', 'Key'], ['CommonPrefixes', 'Prefix'],
] // biome-ignore format: one line reads as the table it is

/** What a list lacks or has wrong, to be read after "was"; `undefined` for one that is whole, and for no list. */
export function missingFromList(command: string, input: unknown, output: unknown): string | undefined {
  const expected = echoes[command]
  if (expected === undefined) return undefined
  const asked = fieldsOf(input)
  const answer = fieldsOf(output)
  for (const [name, source] of expected) {
    const wanted = textOf(asked[source])
    if (source === 'Bucket' && isAlias(wanted)) continue
    const given = textOf(answer[name])
    if (given === wanted) continue
    return given === ''
      ? `answered by a list without ${name}`
      : `answered by a list of ${name} "${given}", asked for was "${wanted}"`
  }
  if (typeof answer['IsTruncated'] !== 'boolean')
    return 'answered by a list that does not say whether it goes on (IsTruncated)'
  const count = rowsOf(answer['Contents']).length + rowsOf(answer['CommonPrefixes']).length
  if (typeof answer['KeyCount'] === 'number' && answer['KeyCount'] !== count) {
    return `answered by a list of ${count} keys that says it has ${answer['KeyCount']}`
  }
  return strayEntry(answer, textOf(asked['Prefix']))
}

function strayEntry(answer: Fields, prefix: string): string | undefined {
  for (const [list, name] of entries) {
    for (const row of rowsOf(answer[list])) {
      const key = fieldsOf(row)[name]
      if (typeof key !== 'string') return `answered by a list with an entry without ${name}`
      if (!key.startsWith(prefix)) return `answered by a list of "${prefix}" that holds "${key}"`
    }
  }
  return undefined
}

/** Names of access points stand for a bucket that is called otherwise. */
const isAlias = (bucket: string): boolean => bucket.includes(':') || bucket.endsWith('-s3alias')

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {}
}

const rowsOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

import { createHash } from 'node:crypto'

/** MD5 in hexadecimal over slices in a row. */
export function md5Of(slices: readonly Buffer[]): string {
  const hash = createHash('md5')
  for (const slice of slices) hash.update(slice)
  return hash.digest('hex')
}

/** The ETag that S3 gives an object of parts: the MD5 over their MD5s, and how many they are. */
export function multipartEtag(md5s: readonly string[]): string {
  const hash = createHash('md5')
  for (const md5 of md5s) hash.update(md5, 'hex')
  return `${hash.digest('hex')}-${md5s.length}`
}

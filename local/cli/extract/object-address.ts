import { InvalidArgumentError } from 'commander'

export interface ObjectAddress {
  bucket: string
  key: string
}

/** `--to`: the address of one object. A name that ends with a slash is one of a folder. */
export function objectAddress(text: string): ObjectAddress {
  const [, bucket, key] = /^s3:\/\/([^/]+)\/(.*[^/])$/s.exec(text) ?? []
  if (bucket === undefined || key === undefined) {
    throw new InvalidArgumentError('Give the address of an object: s3://bucket/path/disk.raw.')
  }
  return { bucket, key }
}

/** As a shell takes it, whatever is in it. */
export function shellWord(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}

/** An ETag without the quotes around it. */
export function bareEtag(etag: string): string {
  return etag.replace(/^"(.*)"$/, '$1')
}

/** Whether an ETag has the form of S3's for an object of so many parts: the MD5 over the MD5s of its parts, and their count. */
export function isHashOfHashes(etag: string, parts: number): boolean {
  return new RegExp(`^[0-9a-f]{32}-${parts}$`).test(bareEtag(etag))
}

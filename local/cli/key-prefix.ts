/** A `--prefix` as keys need it: empty, or with a slash at its end. */
export function keyPrefixFrom(prefix: string): string {
  return prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`
}

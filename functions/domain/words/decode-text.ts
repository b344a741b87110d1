/**
 * A file that people wrote, as text: with or without a byte order mark, in UTF-8 or in UTF-16, which Windows PowerShell
 * writes for `>`. UTF-16 without a mark is known by the zeroes beside its first character, which is ASCII in JSON and PEM.
 */
export function decodeText(bytes: Uint8Array): string {
  const [first, second] = bytes
  if ((first === 0xff && second === 0xfe) || (first !== 0 && second === 0)) return decoded(bytes, 'utf-16le')
  if ((first === 0xfe && second === 0xff) || (first === 0 && second !== 0)) return decoded(bytes, 'utf-16be')
  return decoded(bytes, 'utf-8')
}

/** The decoder takes the mark off. */
function decoded(bytes: Uint8Array, encoding: 'utf-8' | 'utf-16le' | 'utf-16be'): string {
  return new TextDecoder(encoding).decode(bytes)
}

/** A text that was already decoded by somebody who leaves the byte order mark on. */
export function withoutMark(text: string): string {
  return text.replace(/^\uFEFF/, '')
}

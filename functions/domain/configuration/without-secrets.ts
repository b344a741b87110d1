/**
 * Fields whose names say that they may hold a secret: passwords, tokens, keys of DNS servers and metric servers, shared
 * secrets of second factors. Names go by words, so that `token` is one and `tokenid` isn't.
 */
const SECRET =
  /^(.*[-_.])?(pass(word|wd|phrase)?|cipassword|secret|credentials?|token|keys?|private[-_]?key|client[-_]?key|api[-_]?key|webhook[-_]?url)$/i

/** Told as what they name, and no secrets: public keys and sums. */
const PUBLIC = /fingerprint|public|sshkeys?$|^ssh[-_]/i

export const LEFT_OUT = '(left out: it may be a secret)'

export interface Cleaned {
  value: unknown
  /** Paths of the fields that were left out, with dots between their names. */
  leftOut: string[]
}

/** Leave out what may be a secret, however deep it lies. A field without a value stays: it says that none is set. */
export function withoutSecrets(value: unknown, path: readonly string[] = []): Cleaned {
  if (Array.isArray(value)) {
    const cleaned = value.map((each, index) => withoutSecrets(each, [...path, String(index)]))
    return { value: cleaned.map((each) => each.value), leftOut: cleaned.flatMap(({ leftOut }) => leftOut) }
  }
  if (typeof value !== 'object' || value === null) return { value, leftOut: [] }
  const leftOut: string[] = []
  const fields = Object.entries(value).map(([name, inner]): [string, unknown] => {
    const isSet = inner !== '' && inner !== null && inner !== undefined
    if (SECRET.test(name) && !PUBLIC.test(name) && isSet) {
      leftOut.push([...path, name].join('.'))
      return [name, LEFT_OUT]
    }
    const cleaned = withoutSecrets(inner, [...path, name])
    leftOut.push(...cleaned.leftOut)
    return [name, cleaned.value]
  })
  return { value: Object.fromEntries(fields), leftOut }
}

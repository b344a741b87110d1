/** What a text says as JSON; `undefined` where it isn't any: what people or a crash may have left is told, never thrown. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** An answer as it comes from the wire, and what can be said of it without the SDK. */
import { Readable } from 'node:stream'

/** The SDK's HttpResponse. Header names are in lower case. */
export interface Answer {
  statusCode: number
  headers: Readonly<Record<string, string>>
  body?: unknown
}

/** A page of a list is at most a thousand entries of a few KiB each. Beyond this it is no answer to a request of ours. */
const LONGEST_DOCUMENT_BYTES = 32 * 2 ** 20

export function isAnswer(response: unknown): response is Answer {
  return typeof response === 'object' && response !== null && 'statusCode' in response && 'headers' in response
}

/** The body as text, up to a length, and put back for anyone who reads it next. */
export async function takeBody(answer: Answer, longestBytes = LONGEST_DOCUMENT_BYTES): Promise<string> {
  const { body } = answer
  if (!(body instanceof Readable)) return body instanceof Uint8Array ? Buffer.from(body).toString() : ''
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    length += chunk.length
    // Leaving the loop closes the connection.
    if (length > longestBytes) break
  }
  const whole = Buffer.concat(chunks)
  answer.body = Readable.from(whole.length === 0 ? [] : [whole], { objectMode: false })
  return whole.toString()
}

/** The beginning of a body that nobody reads afterwards. */
export const peekBody = (answer: Answer): Promise<string> => takeBody(answer, 64 * 1024)

/** Name of the first element, whatever comes before it: byte order mark, spaces, declaration, comments. */
export function rootElement(text: string): string | undefined {
  const start = /^\uFEFF?\s*(?:<\?[^>]*\?>\s*|<!--[\s\S]*?-->\s*)*<([A-Za-z_][\w.:-]*)/.exec(text)
  return start?.[1]
}

/** Does the document end with the end of its root? Connections that are cut may look like an end. */
export function isWhole(text: string, root: string): boolean {
  return new RegExp(`(</${root}\\s*>|<${root}[^<>]*/>)\\s*$`).test(text.slice(-300))
}

export function errorCodeIn(text: string): string {
  return /<Code>([^<]{1,100})<\/Code>/.exec(text)?.[1] ?? ''
}

/** `status 200 (text/html, server nginx) and a web page titled "Welcome"`. Short and printable, whatever came. */
export function describeAnswer({ statusCode, headers }: Answer, text: string): string {
  const server = headers['server']
  const about = [
    printable(headers['content-type'] ?? 'no content type'),
    ...(server === undefined ? [] : [`server ${printable(server)}`]),
  ]
  const title = /<title[^>]*>([^<]{1,300})/i.exec(text)?.[1]
  const words = printable(title ?? text.replaceAll(/<[^>]*>/g, ' '))
  const said =
    words === '' ? '' : title === undefined ? ` that begins with "${words}"` : ` and a web page titled "${words}"`
  return `status ${statusCode} (${about.join(', ')})${said}`
}

const LONGEST_WORDS = 60

function printable(text: string): string {
  return text
    .slice(0, 2000)
    .replaceAll(/[^\x20-\x7E]+/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim()
    .slice(0, LONGEST_WORDS)
    .trimEnd()
}

/**
 * Is it S3 that answers? A console's port, a proxy or a login page answers any request with status 200, and the SDK makes
 * an empty list of it. Every answer is judged here, before anybody reads it: for all operations and all callers.
 */
import type { S3Client } from '@aws-sdk/client-s3'
import { NotAnObjectStore } from '../contracts/errors.ts'
import { missingFromList } from './s3-list-echo.ts'
import { PassingAnswer, passingCode } from './s3-errors.ts'
import {
  type Answer,
  describeAnswer,
  errorCodeIn,
  isAnswer,
  isWhole,
  peekBody,
  rootElement,
  takeBody,
} from './s3-wire.ts'

/** The document that S3 answers an operation with. Those that aren't here answer without one. */
const documents: Readonly<Record<string, string>> = {
  ListObjectsV2Command: 'ListBucketResult',
  ListObjectVersionsCommand: 'ListVersionsResult',
  ListMultipartUploadsCommand: 'ListMultipartUploadsResult',
  ListPartsCommand: 'ListPartsResult',
  CreateMultipartUploadCommand: 'InitiateMultipartUploadResult',
  CompleteMultipartUploadCommand: 'CompleteMultipartUploadResult',
}
/** Operations that S3 answers with headers alone. */
const bodiless = new Set([
  'PutObjectCommand',
  'UploadPartCommand',
  'DeleteObjectCommand',
  'AbortMultipartUploadCommand',
  'RestoreObjectCommand',
])
/** Whose success isn't one without the tag of what was written or found. */
const tagged = new Set(['PutObjectCommand', 'UploadPartCommand', 'HeadObjectCommand', 'GetObjectCommand'])

/** S3 marks each of its answers with `x-amz-request-id`, and stores that follow it do so too. */
function isMarked({ headers }: Answer): boolean {
  return Object.keys(headers).some((name) => name.toLowerCase().startsWith('x-amz-'))
}

const isMarkup = (type: string | undefined): boolean => /^(text\/html|application\/xhtml)/i.test(type ?? '')
const isXml = (type: string | undefined): boolean => /^(application|text)\/xml/i.test(type ?? '')

/** Have every answer to this client judged. */
export function judgeAnswers(client: S3Client): void {
  client.middlewareStack.add(
    (next, { commandName = '' }) =>
      async (args) => {
        const result = await next(args)
        const { response } = result
        if (isAnswer(response)) await judgeAnswer(commandName, response, (why) => refusal(commandName, args, why))
        return result
      },
    // Nearest to the wire, and within the retries.
    { step: 'deserialize', priority: 'low', name: 'judgeAnswers' },
  )
  client.middlewareStack.add(
    (next, { commandName = '' }) =>
      async (args) => {
        const result = await next(args)
        const lack = missingFromList(commandName, args.input, result.output)
        if (lack !== undefined) throw new NotAnObjectStore(sentence(commandName, args.input, undefined, lack))
        return result
      },
    { step: 'initialize', name: 'judgeLists' },
  )
}

/**
 * @throws what `refuse` makes of an answer that isn't S3's
 * @throws PassingAnswer for one that may be another the next time: 5xx, and a document that breaks off
 */
async function judgeAnswer(command: string, answer: Answer, refuse: (why: string) => Error): Promise<void> {
  const { statusCode } = answer
  if (statusCode >= 300) return judgeRefusal(answer, refuse)
  const document = documents[command]
  if (document !== undefined) return judgeDocument(document, answer, refuse)
  if (bodiless.has(command)) {
    const text = await takeBody(answer)
    if (text.trim() !== '') throw refuse(describeAnswer(answer, text))
    // Removing is answered with 204. An empty 200 says nothing at all.
    if (!tagged.has(command) && statusCode !== 204 && !isMarked(answer)) throw refuse(describeAnswer(answer, text))
  } else if (isMarkup(answer.headers['content-type']) && !isMarked(answer)) {
    throw refuse(describeAnswer(answer, await peekBody(answer)))
  }
  if (tagged.has(command) && (answer.headers['etag'] ?? '') === '') {
    throw refuse(`${describeAnswer(answer, await peekBody(answer))} and without an ETag`)
  }
}

async function judgeDocument(document: string, answer: Answer, refuse: (why: string) => Error): Promise<void> {
  const text = await takeBody(answer)
  const root = rootElement(text)
  if (root === 'Error') {
    // S3 begins to answer before it has done its work, so its errors may come with 200. The SDK reads them by status.
    answer.statusCode = passingCode(errorCodeIn(text)) ? 503 : 400
    return
  }
  if (root !== document && !(root === undefined && isMarked(answer))) throw refuse(describeAnswer(answer, text))
  if (!isWhole(text, document)) {
    throw new PassingAnswer('IncompleteBody', `the answer breaks off after ${text.length} characters`)
  }
}

async function judgeRefusal(answer: Answer, refuse: (why: string) => Error): Promise<void> {
  const { statusCode, headers } = answer
  const text = await takeBody(answer)
  const bare = text.trim() === ''
  const ours = bare ? isMarked(answer) || isXml(headers['content-type']) : rootElement(text) === 'Error'
  if (ours) return
  const what = describeAnswer(answer, text)
  // What stands before S3 says so when S3 is away.
  if (statusCode >= 500 || statusCode === 429) throw new PassingAnswer(String(statusCode), what, statusCode)
  throw refuse(what)
}

function refusal(command: string, args: { request: unknown; input?: unknown }, what: string): NotAnObjectStore {
  return new NotAnObjectStore(sentence(command, args.input, endpointOf(args.request), `answered with ${what}`))
}

/** Who answered in place of S3, what, and what to check. `what` follows "was". */
export function sentence(command: string, input: unknown, endpoint: string | undefined, what: string): string {
  const bucket = field(input, 'Bucket')
  const operation = command.replace(/Command$/, '')
  return (
    `${endpoint === undefined ? `The endpoint of s3://${bucket}` : `${endpoint} (for s3://${bucket})`} is no S3: ${operation} was ` +
    `${what}. Check the endpoint: it has to be the port of S3 and not that of its web console, and no proxy or login page may ` +
    'stand in between.'
  )
}

function endpointOf(request: unknown): string | undefined {
  const [protocol, hostname, port] = ['protocol', 'hostname', 'port'].map((name) => field(request, name))
  return hostname === '' ? undefined : `${protocol}//${hostname}${port === '' ? '' : `:${port}`}`
}

function field(of: unknown, name: string): string {
  const value: unknown = typeof of === 'object' && of !== null ? Reflect.get(of, name) : undefined
  return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
}

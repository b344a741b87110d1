import { randomUUID } from 'node:crypto'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import { createServer as createTlsServer, type ServerOptions } from 'node:https'
import type { AddressInfo } from 'node:net'
import { crc32 } from 'node:zlib'
import { combineAllCrc32, crc32FromBase64, crc32ToBase64 } from '../../../functions/domain/transfer/crc32.ts'

export interface FakePart {
  sizeBytes: number
  crc32: number
  body: Buffer
}

/** One request as the fault hook sees it. */
export interface FakeRequest {
  method: string
  bucket: string
  /** Without bucket and query. */
  key: string
  query: URLSearchParams
  headers: IncomingMessage['headers']
}

/** What a fault hook may order instead of the answer. `lose`: do the work, then cut the connection. */
export type Fault =
  | { status: number; code: string }
  | { cut: true }
  | { lose: true }
  | { silent: true }
  | { withoutChecksum: true }
  | { wrongChecksum: true }

export interface FakeS3 {
  url: string
  uploads: Map<string, { key: string; parts: Map<number, FakePart> }>
  objects: Map<string, { body: Buffer; sizeBytes: number; crc32: number | undefined; etag: string }>
  requests: FakeRequest[]
  connections: number
  fault: (request: FakeRequest) => Fault | undefined
  close(): Promise<void>
}

/**
 * Just enough S3 for faults that a real store doesn't produce on order, and for benchmarks that want bytes thrown away
 * at full speed (`discard`: bodies are counted, their sums believed). No authentication; one bucket is any bucket.
 */
export async function startFakeS3(options: { tls?: ServerOptions; discard?: boolean } = {}): Promise<FakeS3> {
  const fake: FakeS3 = {
    url: '',
    uploads: new Map(),
    objects: new Map(),
    requests: [],
    connections: 0,
    fault: () => undefined,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    handle(fake, request, response, options.discard === true).catch((error: unknown) => {
      response.destroy(error instanceof Error ? error : undefined)
    })
  }
  const server: Server = options.tls === undefined ? createServer(onRequest) : createTlsServer(options.tls, onRequest)
  server.on('connection', () => fake.connections++)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  fake.url = `${options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${(server.address() as AddressInfo).port}`
  return fake
}

/** Bodies up to this are kept even by a server that discards: records, manifests. */
const SMALL_BYTES = 64 * 1024

async function readBody(request: IncomingMessage, discard: boolean): Promise<{ body: Buffer; sizeBytes: number }> {
  const chunks: Buffer[] = []
  let sizeBytes = 0
  request.on('data', (chunk: Buffer) => {
    sizeBytes += chunk.length
    if (!discard) chunks.push(chunk)
  })
  await new Promise((resolve, reject) => {
    request.on('end', resolve)
    request.on('close', () => reject(new Error('cut')))
  })
  return { body: Buffer.concat(chunks), sizeBytes }
}

function send(response: ServerResponse, status: number, headers: Record<string, string>, body = ''): void {
  // An answer to HEAD brings the object's own length.
  response.writeHead(status, { 'content-length': Buffer.byteLength(body), ...headers })
  response.end(body)
}

function refuse(response: ServerResponse, status: number, code: string): void {
  const body = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code} from the fake</Message></Error>`
  send(response, status, { 'content-type': 'application/xml' }, response.req.method === 'HEAD' ? '' : body)
}

async function handle(
  fake: FakeS3,
  message: IncomingMessage,
  response: ServerResponse,
  discard: boolean,
): Promise<void> {
  const url = new URL(message.url ?? '/', 'http://fake')
  const [, bucket = '', ...rest] = decodeURIComponent(url.pathname).split('/')
  const key = rest.join('/')
  const request = { method: message.method ?? '', bucket, key, query: url.searchParams, headers: message.headers }
  fake.requests.push(request)
  const fault = fake.fault(request)
  if (fault !== undefined && 'cut' in fault) {
    message.once('data', () => message.destroy())
    if (message.headers['content-length'] === undefined) message.destroy()
    return
  }
  if (fault !== undefined && 'silent' in fault) return
  const large = Number(message.headers['content-length']) > SMALL_BYTES
  const { body, sizeBytes } = await readBody(message, discard && large)
  if (fault !== undefined && 'status' in fault) return refuse(response, fault.status, fault.code)
  const answer = answerTo(fake, request, body, sizeBytes, discard)
  if (fault !== undefined && 'lose' in fault) {
    response.destroy()
    return
  }
  if (fault !== undefined && 'withoutChecksum' in fault) delete answer.headers['x-amz-checksum-crc32']
  if (fault !== undefined && 'wrongChecksum' in fault) answer.headers['x-amz-checksum-crc32'] = 'AAAAAA=='
  if (answer.code !== undefined) refuse(response, answer.status, answer.code)
  else send(response, answer.status, answer.headers, answer.body)
}

interface Answer {
  status: number
  headers: Record<string, string>
  body?: string
  code?: string
}

const refusal = (status: number, code: string): Answer => ({ status, headers: {}, code })
/** Good enough for times that are only looked at: everything here is as old as the answer. */
const now = (): string => new Date().toISOString()
const escapeXml = (text: string): string => text.replaceAll('&', '&amp;')
const xml = (body: string): Answer => ({
  status: 200,
  headers: { 'content-type': 'application/xml' },
  body: `<?xml version="1.0"?>${body}`,
})

function answerTo(fake: FakeS3, request: FakeRequest, body: Buffer, sizeBytes: number, discard: boolean): Answer {
  const { method, bucket, key, query, headers } = request
  const uploadId = query.get('uploadId')
  if (method === 'POST' && query.has('uploads')) {
    const id = randomUUID()
    fake.uploads.set(id, { key, parts: new Map() })
    return xml(
      `<InitiateMultipartUploadResult><Key>${escapeXml(key)}</Key><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`,
    )
  }
  if (method === 'GET' && query.has('uploads')) {
    const prefix = query.get('prefix') ?? ''
    const rows = [...fake.uploads].filter(([, upload]) => upload.key.startsWith(prefix))
    const list = rows.map(
      ([id, upload]) =>
        `<Upload><Key>${escapeXml(upload.key)}</Key><UploadId>${id}</UploadId><Initiated>${now()}</Initiated></Upload>`,
    )
    const echo = `<Bucket>${bucket}</Bucket><Prefix>${escapeXml(prefix)}</Prefix><IsTruncated>false</IsTruncated>`
    return xml(`<ListMultipartUploadsResult>${echo}${list.join('')}</ListMultipartUploadsResult>`)
  }
  if (uploadId !== null) return uploadAnswer(fake, request, uploadId, body, sizeBytes, discard)
  const object = fake.objects.get(key)
  if (method === 'PUT') {
    const taken = headers['if-none-match'] === '*' && object !== undefined
    const changed = headers['if-match'] !== undefined && headers['if-match'] !== object?.etag
    if (taken || changed) return refusal(412, 'PreconditionFailed')
    const etag = `"${randomUUID()}"`
    fake.objects.set(key, { body, sizeBytes, crc32: crc32(body), etag })
    return { status: 200, headers: { etag } }
  }
  if (method === 'DELETE') {
    const wanted = headers['if-match']
    const there = fake.objects.get(key)
    if (wanted !== undefined && there === undefined) return refusal(404, 'NoSuchKey')
    if (wanted !== undefined && wanted !== there?.etag) return refusal(412, 'PreconditionFailed')
    fake.objects.delete(key)
    return { status: 204, headers: {} }
  }
  if (method === 'GET' && query.get('list-type') === '2') {
    const prefix = query.get('prefix') ?? ''
    const inFolder = (one: string) => query.get('delimiter') === '/' && one.slice(prefix.length).includes('/')
    const keys = [...fake.objects.keys()].filter((one) => one.startsWith(prefix)).sort()
    const folders = keys.filter(inFolder).map((one) => one.slice(0, one.indexOf('/', prefix.length) + 1))
    const list = [
      ...keys
        .filter((one) => !inFolder(one))
        .map((one) => {
          const { etag = '', sizeBytes = 0 } = fake.objects.get(one) ?? {}
          return `<Contents><Key>${escapeXml(one)}</Key><LastModified>${now()}</LastModified><ETag>${escapeXml(etag)}</ETag><Size>${sizeBytes}</Size></Contents>`
        }),
      ...[...new Set(folders)].map((one) => `<CommonPrefixes><Prefix>${escapeXml(one)}</Prefix></CommonPrefixes>`),
    ].join('')
    const delimiter = query.get('delimiter') ?? ''
    const echo = `<Name>${bucket}</Name><Prefix>${escapeXml(prefix)}</Prefix><Delimiter>${delimiter}</Delimiter>`
    return xml(`<ListBucketResult>${echo}<IsTruncated>false</IsTruncated>${list}</ListBucketResult>`)
  }
  if (object === undefined) return refusal(404, 'NoSuchKey')
  const sum: Record<string, string> =
    object.crc32 === undefined
      ? {}
      : { 'x-amz-checksum-crc32': crc32ToBase64(object.crc32), 'x-amz-checksum-type': 'FULL_OBJECT' }
  if (method === 'HEAD') {
    return { status: 200, headers: { etag: object.etag, 'content-length': String(object.sizeBytes), ...sum } }
  }
  if (headers['if-match'] !== undefined && headers['if-match'] !== object.etag)
    return refusal(412, 'PreconditionFailed')
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(String(headers['range'])) ?? []
  if (first === undefined) return { status: 200, headers: { etag: object.etag }, body: object.body.toString() }
  const slice = object.body.subarray(Number(first), Number(last) + 1)
  return { status: 206, headers: { etag: object.etag }, body: slice.toString() }
}

function uploadAnswer(
  fake: FakeS3,
  { method, bucket, key, query, headers }: FakeRequest,
  uploadId: string,
  body: Buffer,
  sizeBytes: number,
  discard: boolean,
): Answer {
  const upload = fake.uploads.get(uploadId)
  if (upload === undefined) return refusal(404, 'NoSuchUpload')
  if (method === 'DELETE') {
    fake.uploads.delete(uploadId)
    return { status: 204, headers: {} }
  }
  if (method === 'PUT') {
    const given = String(headers['x-amz-checksum-crc32'] ?? '')
    const sum = discard ? (crc32FromBase64(given) ?? 0) : crc32(body)
    if (crc32ToBase64(sum) !== given && !discard) return refusal(400, 'BadDigest')
    upload.parts.set(Number(query.get('partNumber')), { sizeBytes, crc32: sum, body })
    // Clients that send Content-MD5 (rclone) want it back as the ETag.
    const md5 = headers['content-md5']
    const etag = typeof md5 === 'string' ? Buffer.from(md5, 'base64').toString('hex') : crc32ToBase64(sum)
    return { status: 200, headers: { etag: `"${etag}"`, 'x-amz-checksum-crc32': crc32ToBase64(sum) } }
  }
  const parts = [...upload.parts].sort(([a], [b]) => a - b)
  if (method === 'GET') {
    const after = Number(query.get('part-number-marker') ?? 0)
    const page = parts.filter(([partNumber]) => partNumber > after).slice(0, 1000)
    const rows = page.map(
      ([partNumber, part]) =>
        `<Part><PartNumber>${partNumber}</PartNumber><Size>${part.sizeBytes}</Size><LastModified>${now()}</LastModified><ETag>"${crc32ToBase64(part.crc32)}"</ETag><ChecksumCRC32>${crc32ToBase64(part.crc32)}</ChecksumCRC32></Part>`,
    )
    const last = page.at(-1)?.[0] ?? 0
    const more = parts.some(([partNumber]) => partNumber > last)
    const echo = `<Bucket>${bucket}</Bucket><Key>${escapeXml(key)}</Key><UploadId>${uploadId}</UploadId>`
    return xml(
      `<ListPartsResult>${echo}<IsTruncated>${more}</IsTruncated><NextPartNumberMarker>${last}</NextPartNumberMarker>${rows.join('')}</ListPartsResult>`,
    )
  }
  if (headers['if-none-match'] === '*' && fake.objects.has(key)) return refusal(412, 'PreconditionFailed')
  const whole = combineAllCrc32(parts.map(([, part]) => part))
  const given = headers['x-amz-checksum-crc32']
  if (given !== undefined && given !== crc32ToBase64(whole)) return refusal(400, 'BadDigest')
  const etag = `"${randomUUID()}-${parts.length}"`
  fake.objects.set(key, {
    body: Buffer.concat(parts.map(([, part]) => part.body)),
    sizeBytes: parts.reduce((sum, [, part]) => sum + part.sizeBytes, 0),
    crc32: whole,
    etag,
  })
  fake.uploads.delete(uploadId)
  return xml(
    `<CompleteMultipartUploadResult><Key>${escapeXml(key)}</Key><ETag>${etag.replaceAll('"', '&quot;')}</ETag></CompleteMultipartUploadResult>`,
  )
}

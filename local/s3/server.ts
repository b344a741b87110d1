/**
 * A small, strict S3 on one machine: the store of the local mode, the demo and the tests. Directory-backed (see
 * `store/layout.ts`), loopback only, one key pair, which is the administrator's. Sessions of
 * roles (`../iam/session.ts`) may do what their policies and the bucket's say. It checks what S3 checks and refuses what it doesn't implement.
 *
 * Known differences: no CRC64NVME is added to objects sent without a checksum; storage classes are labels, but that GLACIER
 * and DEEP_ARCHIVE can't be read before they are restored, which takes as long as `thawMilliseconds` says; lifecycle rules and notifications are kept but not carried out.
 */
import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { OnJudgement } from '../iam/guard.ts'
import { AccessControl } from './access.ts'
import { S3Error } from './errors.ts'
import { countingFaults, type DoneListener, type FaultFinder, type FaultPlan } from './faults.ts'
import { ACCOUNT_ID } from './account.ts'
import { asLacking, type Lack } from './lacks.ts'
import { asRead, corrupted, dropAnswer, misbehave, sendHalf } from './misbehave.ts'
import { type Call, DEFAULT_REGION, type S3Response } from './operations/call.ts'
import { defaultEncryption, refuseUnknownHeaders } from './operations/object-attributes.ts'
import { hideAbsence, requireKeyRights, requireRights } from './permissions.ts'
import { requestBody } from './protocol/request-body.ts'
import { readRequest, type S3Request } from './protocol/request.ts'
import { authenticate, type Credentials } from './protocol/sigv4.ts'
import { type Exchange, sendError, sendResponse } from './respond.ts'
import { type RoutedRequest, routeOf } from './routing.ts'
import { lockDirectory } from './store/directory-lock.ts'
import { ObjectStore } from './store/object-store.ts'

export interface S3Options extends Credentials {
  /** Created when missing. One server at a time may use it. */
  directory: string
  /** 0 or absent: any free one. */
  port?: number
  /**
   * The account that owns the buckets, where it is another than that of the roles: then a bucket's policy has to allow what
   * they do as well. Absent: all are of one account.
   */
  ownerAccount?: string
  /** Requests signed for another region are refused. Absent: any region will do. */
  region?: string
  /** Created when missing. */
  buckets?: readonly string[]
  now?: () => Date
  /** How long RestoreObject takes, in place of minutes or hours. Absent: no time at all. */
  thawMilliseconds?: number
  faults?: FaultPlan
  /** What it does without, always. */
  lacks?: readonly Lack[]
  onDone?: DoneListener
  /** Told of each right that a role's session used or lacked. */
  onJudgement?: OnJudgement
}

export interface S3Server {
  /** `http://127.0.0.1:<port>` */
  url: string
  port: number
  /** Ends open connections, waits for requests under way to clean up after themselves. */
  close: () => Promise<void>
}

/** @throws the system's error when the port is taken or the directory can't be written */
export async function startS3(options: S3Options): Promise<S3Server> {
  const now = options.now ?? (() => new Date())
  const unlock = lockDirectory(options.directory)
  try {
    return await serve(options, now, unlock)
  } catch (cause) {
    unlock()
    throw cause
  }
}

async function serve(options: S3Options, now: () => Date, unlock: () => void): Promise<S3Server> {
  const store = new ObjectStore(options.directory)
  const createdAt = now().toISOString()
  for (const name of options.buckets ?? []) {
    if (!store.find(name)) store.create({ name, createdAt, region: options.region ?? DEFAULT_REGION, settings: {} })
  }
  const faults = countingFaults(options.faults)
  const control = new AccessControl(options, options.onJudgement, options.ownerAccount !== undefined)
  const underWay = new Set<Promise<void>>()
  const listener = (source: IncomingMessage, response: ServerResponse): void => {
    const work = handle(source, response, { options, store, now, faults, control }).finally(() => underWay.delete(work))
    underWay.add(work)
  }
  // Uploads of hours are normal, so a request as a whole has no time limit; silence has one.
  const server = createServer({ requestTimeout: 0, keepAliveTimeout: 60_000 }, listener)
  server.on('checkContinue', listener)
  await listen(server, options.port ?? 0)
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    close: async () => {
      const closed = new Promise((resolve) => {
        server.close(resolve)
      })
      server.closeAllConnections()
      await Promise.allSettled(underWay)
      await closed
      unlock()
    },
  }
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject)
      resolve()
    })
  })
}

interface Setup {
  options: S3Options
  store: ObjectStore
  now: () => Date
  faults: FaultFinder
  control: AccessControl
}

/** Request → authenticate → route → operation → response. Never rejects. */
async function handle(source: IncomingMessage, response: ServerResponse, setup: Setup): Promise<void> {
  const exchange: Exchange = {
    response,
    method: source.method ?? 'GET',
    resource: (source.url ?? '/').split('?')[0] ?? '/',
    requestId: randomBytes(8).toString('hex').toUpperCase(),
  }
  const expecting = source.headers.expect?.toLowerCase() === '100-continue'
  const now = setup.now()
  // Clients correct their clock by it.
  response.setHeader('Date', now.toUTCString())
  try {
    const { options, store, faults, control } = setup
    const signed = readRequest(source)
    const proof = authenticate(signed, {
      keyPair: (token) => control.keyPair(token),
      now,
      ...(options.region === undefined ? {} : { region: options.region }),
    })
    const route = routeOf(signed)
    refuseUnknownHeaders(signed)
    const lacks = new Set(options.lacks)
    const request = asLacking(signed, route.operation, lacks)
    const fault = faults(subjectOf(request, route))
    if (fault !== undefined && typeof fault === 'object') {
      throw new S3Error(fault.code, fault.message === undefined ? {} : { message: fault.message })
    }
    const whole = requestBody(request, proof, response, route.operation)
    const body = fault === 'corrupt' ? corrupted(whole) : whole
    if ((fault === 'cut' || fault === 'silent') && (await misbehave(fault, route.operation, request, response))) return
    const bucket = request.bucket === undefined ? undefined : store.find(request.bucket)
    // Rights go by what was asked for, and not by what the store understands of it.
    const access = control.of(signed, route.operation, bucket)
    // Of a bucket that isn't there, S3 says that before it asks for rights.
    if (bucket !== undefined || /^(CreateBucket|ListBuckets)$/.test(route.operation))
      requireRights(access, signed, route)
    if (bucket !== undefined) requireKeyRights(access, route, defaultEncryption(bucket.record).kmsKeyId)
    const read = asRead(request, fault)
    const { region, thawMilliseconds = 0, ownerAccount = ACCOUNT_ID } = options
    const call = { request: read, access, body, store, now, region, thawMilliseconds, lacks, ownerAccount }
    const answer = await run(route, call)
    await options.onDone?.({ ...subjectOf(request, route), sizeBytes: body.sizeBytes })
    if (fault === 'lose-answer') dropAnswer(exchange, answer)
    else if (fault === 'cut') await sendHalf(exchange, answer)
    else await sendResponse(exchange, answer)
  } catch (cause) {
    // The body of a refused request that was waiting for permission never comes: the connection can't be used again.
    if (expecting && !response.headersSent) response.shouldKeepAlive = false
    sendError(exchange, cause)
  }
}

async function run(route: RoutedRequest, call: Call): Promise<S3Response> {
  try {
    return await route.run(call)
  } catch (cause) {
    hideAbsence(cause, call.access, call.request)
    throw cause
  }
}

function subjectOf(request: S3Request, route: RoutedRequest): Parameters<FaultFinder>[0] {
  const partNumber = request.query.get('partNumber')
  return {
    operation: route.operation,
    bucket: request.bucket,
    key: request.key,
    partNumber: partNumber === undefined ? undefined : Number(partNumber),
    uploadId: request.query.get('uploadId'),
  }
}

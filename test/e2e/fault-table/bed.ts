/** Where faults are tried: a site whose lines, servers, disk, resolver and S3 can be made to fail, and be made whole again. */
import { rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AbortMultipartUploadCommand, DeleteObjectCommand, ListMultipartUploadsCommand } from '@aws-sdk/client-s3'
import { createIdentity, fingerprintOf } from '../../../local/labs/shared/certificate.ts'
import type { DoneListener, FaultPlan } from '../../../local/s3/faults.ts'
import { type RangeServer, startRangeServer } from '../../functions/readers/https/range-server.ts'
import { bucket, openSite, type RunOptions, type Site } from '../harness.ts'
import { killFunction } from '../kill-function.ts'
import type { Told } from './arming.ts'
import { type Line, startLine } from './line.ts'
import { PartLedger } from './part-ledger.ts'

const MIB = 2 ** 20
export const GUEST = 101
const NAMES = ['localhost', '127.0.0.1', 'node.faults.test']

/** - `small`: an archive of one part · `large`: of three · `slow`: of five, over functions that end soon · `tight`: three, little memory */
export type BedKind = 'small' | 'large' | 'slow' | 'tight'

const kinds: Record<
  BedKind,
  { guestBytes: number; limits?: Record<string, { timeoutSeconds?: number; memoryMiB?: number }> }
> = {
  small: { guestBytes: 2 * MIB },
  large: { guestBytes: 136 * MIB },
  // A part is begun only with a minute left, so in the first 8 s: at 12 MB/s one is done by then, and four are on their way.
  // Seven don't fit, whatever the machine; a busy one has the rest of the minute for those five.
  slow: { guestBytes: 400 * MIB, limits: { 'copy-parts': { timeoutSeconds: 68 } } },
  tight: { guestBytes: 150 * MIB, limits: { 'copy-parts': { memoryMiB: 230 } } },
}

type Misbehaviour = (request: IncomingMessage, response: ServerResponse) => boolean

/** The file server of the `https` route. */
export interface WebServer {
  /** Called first for each request; answers it when it returns true. */
  misbehave: Misbehaviour | undefined
  presentOtherCertificate(): void
}

export interface Bed {
  site: Site
  /** The way to the node's SSH server, and to its file server. */
  lines: { sftp: Line; https: Line }
  web: WebServer
  s3: { plan: FaultPlan | undefined; onDone: DoneListener | undefined }
  ledger: PartLedger
  /** Executions so far since the last `mend`: their events and the lines that functions printed. */
  told: Told
  run(job: unknown, options?: RunOptions): ReturnType<Site['run']>
  kill(stem: string): Promise<number>
  /** The names of site servers can't be resolved until `mend` or `resolve(true)`. */
  resolve(names: boolean): void
  abortUploads(): Promise<void>
  /** Everything works again, and nothing is left of what was: no archive, no object, no claim. */
  mend(): Promise<void>
  close(): Promise<void>
}

/** A run tries the store out before the transfer, whose faults these are. What that finds has tests of its own. */
function isOfStoreTest({ key }: { key: string | undefined }): boolean {
  return key?.startsWith('uploads/test/') === true
}

export async function openBed(kind: BedKind, app: string): Promise<Bed> {
  const folder = await mkdtemp(join(tmpdir(), 'guestlift-faults-'))
  const outage = join(folder, 'dns-outage')
  const preload = new URL(`./resolver.ts?outage=${encodeURIComponent(outage)}`, import.meta.url)
  const identity = createIdentity(NAMES, new Date())
  let server: RangeServer | undefined
  let lines: Bed['lines'] | undefined
  const web: WebServer = {
    misbehave: undefined,
    presentOtherCertificate: () => server?.setTls(createIdentity(NAMES, new Date())),
  }
  const { guestBytes, limits = {} } = kinds[kind]
  const site = await openSite({ app, guestBytes, functions: { limits, preload } }, async (hq, lab) => {
    const storage = lab.storages.find(({ id, node }) => id === 'local' && node === 'pve1')
    if (storage === undefined) throw new Error('the lab has no local storage on pve1')
    server = await startRangeServer({
      tls: identity,
      root: join(storage.directory, 'dump'),
      misbehave: (request, response) => web.misbehave?.(request, response) ?? false,
    })
    lines = { sftp: await startLine(lab.ssh.port), https: await startLine(server.port) }
    const host = 'node.faults.test'
    const sftp = { ...(hq['route'] as object), host, port: lines.sftp.port }
    const https = {
      type: 'https',
      url: `https://${host}:${lines.https.port}/{file}`,
      tls: { mode: 'fingerprint', fingerprints: [fingerprintOf(identity.cert)] },
    }
    const nowhere = 'node.invalid'
    return {
      sftp: { ...hq, route: sftp },
      https: { ...hq, route: https },
      'sftp-nowhere': { ...hq, route: { ...sftp, host: nowhere } },
      'https-nowhere': { ...hq, route: { ...https, url: `https://${nowhere}/{file}` } },
    }
  })
  if (lines === undefined) throw new Error('the site was opened without lines')
  const ways = lines
  const keys = async (): Promise<string[]> => site.keys()
  const abortUploads = async (): Promise<void> => {
    const { Uploads = [] } = await site.s3.send(new ListMultipartUploadsCommand({ Bucket: bucket }))
    for (const { Key, UploadId } of Uploads) {
      await site.s3.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId }))
    }
  }
  const bed: Bed = {
    site,
    lines: ways,
    web,
    s3: { plan: undefined, onDone: undefined },
    ledger: new PartLedger(),
    told: { events: [], lines: [] },
    run: (job, options = {}) =>
      site.run(job, {
        ...options,
        onEvent: (event) => {
          bed.told.events.push(event)
          options.onEvent?.(event)
        },
        onLog: (line) => {
          bed.told.lines.push(line)
          options.onLog?.(line)
        },
      }),
    kill: (stem) => killFunction(site.assembly, stem),
    resolve: (names) => {
      if (names) rmSync(outage, { force: true })
      else writeFileSync(outage, '')
    },
    abortUploads,
    async mend() {
      bed.s3 = { plan: undefined, onDone: undefined }
      site.faults.plan = (subject) => {
        if (isOfStoreTest(subject)) return undefined
        bed.ledger.asked(subject)
        return bed.s3.plan?.(subject)
      }
      site.faults.onDone = async (done) => {
        if (isOfStoreTest(done)) return
        await bed.ledger.done(done)
        await bed.s3.onDone?.(done)
      }
      web.misbehave = undefined
      server?.setTls(identity)
      bed.resolve(true)
      await Promise.all([ways.sftp.clear(), ways.https.clear()])
      const { control, faults } = site.lab
      faults.clear()
      control.presentOwnHostKey()
      control.lockGuest(GUEST)
      for (const { file } of control.archives()) control.removeArchive(file)
      await abortUploads()
      await Promise.all((await keys()).map((Key) => site.s3.send(new DeleteObjectCommand({ Bucket: bucket, Key }))))
      bed.ledger = new PartLedger()
      bed.told = { events: [], lines: [] }
    },
    async close() {
      await site.close()
      await Promise.all([ways.sftp.close(), ways.https.close(), server?.close()])
      await rm(folder, { recursive: true, force: true })
    },
  }
  await bed.mend()
  return bed
}

/** The newest archive on the node: names end with the time of the backup. */
export function newestArchive({ site }: Bed): { file: string; path: string } {
  const newest = site.lab.control
    .archives()
    .toSorted((one, other) => (one.file < other.file ? -1 : 1))
    .at(-1)
  if (newest === undefined) throw new Error('there is no archive on the node')
  return newest
}

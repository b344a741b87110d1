import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import type { RouteConfig } from '../../functions/contracts/route.ts'
import { handlerBundling } from '../../lib/handler-bundling.ts'
import { byteMoverNodeOptions } from '../../lib/node-options.ts'
import type { Bed, Source } from './bed.ts'
import { here } from './child.ts'
import { type Measured, measure } from './measure.ts'

/** What `transfer.ts` is told. */
export interface TransferOrder {
  /** Of S3. */
  endpoint: string
  route: unknown
  path: string
  sizeBytes: number
}

/** What `transfer.ts` prints. */
export interface TransferResult {
  /** The Copy parts call alone: from connecting to the site to the last part that S3 confirmed. */
  copySeconds: number
  /** CPU time before that: Node's start, loading the bundle, opening the upload. Paid once, whatever the archive's size. */
  startCpuSeconds: number
  partsInFlight: number
  partMiB: number
}

export const subjectNames = ['sftp', 'https', 'push'] as const
export type SubjectName = (typeof subjectNames)[number]

/** What runs on Lambda is a bundle, so a bundle is measured: made as the functions' are. */
export async function bundleSubject(name: 'transfer' | 'deliver', folder: string): Promise<string> {
  const outfile = join(folder, `${name}.js`)
  await build({ ...handlerBundling, entryPoints: [here(`${name}.ts`)], outfile })
  return outfile
}

/** The account on the node, whose server is reached at `port`. */
export function loginAt(port: number, { ssh }: Pick<Bed, 'ssh'>) {
  const { username, privateKey, fingerprints } = ssh
  return { host: '127.0.0.1', port, username, privateKey, hostKeys: [fingerprints.ed25519] }
}

/** The route's configuration, with the site at `port` and otherwise as the product's defaults have it. */
function routeTo(name: SubjectName, bed: Bed, port: number): unknown {
  switch (name) {
    case 'sftp':
    case 'push':
      return { type: name, ...loginAt(port, bed) } satisfies Pick<RouteConfig, 'type'> & object
    case 'https':
      return { type: name, url: `https://127.0.0.1:${port}/{file}`, tls: { mode: 'ca', ca: bed.certificate } }
  }
}

/** Where a route's site and S3 are reached; the servers themselves unless a line is in between. */
export interface Ends {
  sitePort: number
  s3Port: number
}

/** Move a source by Guestlift, in a fresh process with the options that the deployed function has. */
export async function transfer(
  name: SubjectName,
  bed: Bed,
  source: Source,
  ends: Ends,
): Promise<Measured & TransferResult> {
  const order: TransferOrder = {
    endpoint: `https://127.0.0.1:${ends.s3Port}`,
    route: routeTo(name, bed, ends.sitePort),
    path: source.path,
    sizeBytes: source.sizeBytes,
  }
  return runSubject<TransferResult>(bed, bed.bundle, order)
}

/** Give a bundle its order, in a fresh process with the options that the deployed function has. */
export async function runSubject<Result>(bed: Bed, bundle: string, order: unknown): Promise<Measured & Result> {
  const orderFile = join(bed.folder, 'order.json')
  writeFileSync(orderFile, JSON.stringify(order))
  const environment = { NODE_EXTRA_CA_CERTS: bed.certificateFile, NODE_OPTIONS: byteMoverNodeOptions }
  const measured = await measure([process.execPath, bundle, orderFile], environment)
  const result = JSON.parse(measured.output.trim().split('\n').at(-1) ?? '') as Result
  return { ...measured, ...result }
}

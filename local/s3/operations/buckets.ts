/** Buckets themselves: create, find, list, delete, where they are, versioning and Object Lock. */
import { invalidArgument, invalidRequest, S3Error } from '../errors.ts'
import { element, optional, parseXml, renderXml } from '../protocol/xml.ts'
import { settle } from '../store/durable-file.ts'
import type { BucketRecord } from '../store/records.ts'
import { bucketOf, type Call, DEFAULT_REGION, LARGEST_XML_BYTES, type S3Response, xmlAnswer } from './call.ts'
import { ownerElement } from './list-objects.ts'

/** S3's rules for general purpose buckets. */
export function isBucketName(name: string): boolean {
  return (
    /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name) &&
    !/\.\.|\.-|-\./.test(name) &&
    !/^\d+\.\d+\.\d+\.\d+$/.test(name) &&
    !/^(xn--|sthree-|amzn-s3-demo-)/.test(name) &&
    !/(-s3alias|--ol-s3|\.mrap|--x-s3|--table-s3)$/.test(name)
  )
}

export async function createBucket(call: Call): Promise<S3Response> {
  const name = call.request.bucket ?? ''
  if (!isBucketName(name)) throw new S3Error('InvalidBucketName', { details: [['BucketName', name]] })
  const text = await call.body.text(LARGEST_XML_BYTES)
  const configuration = text === '' ? undefined : parseXml(text, 'CreateBucketConfiguration')
  configuration?.allowOnly('LocationConstraint')
  const wanted = configuration?.value('LocationConstraint')
  if (wanted !== undefined && call.region !== undefined && wanted !== call.region) {
    throw new S3Error('IllegalLocationConstraintException', {
      message: `The ${wanted} location constraint is incompatible for the region specific endpoint this request was sent to.`,
    })
  }
  const region = wanted || call.region || DEFAULT_REGION
  if (call.store.find(name)) {
    // Only in us-east-1 does S3 let an owner create a bucket again.
    if (region === DEFAULT_REGION && wanted === undefined) return { status: 200, headers: { location: `/${name}` } }
    throw new S3Error('BucketAlreadyOwnedByYou', { details: [['BucketName', name]] })
  }
  const lock = call.request.header('x-amz-bucket-object-lock-enabled')?.toLowerCase() === 'true'
  const record: BucketRecord = {
    name,
    createdAt: call.now.toISOString(),
    region,
    settings: {},
    ...(lock ? { versioning: 'Enabled', objectLock: {} } : {}),
  }
  const { paths } = call.store.create(record)
  await settle(paths.record, paths.meta, call.store.directory)
  return { status: 200, headers: { location: `/${name}` } }
}

export function headBucket(call: Call): S3Response {
  const { record } = bucketOf(call)
  return { status: 200, headers: { 'x-amz-bucket-region': record.region, 'content-type': 'application/xml' } }
}

export function deleteBucket(call: Call): S3Response {
  call.store.delete(bucketOf(call))
  return { status: 204 }
}

export function listBuckets(call: Call): S3Response {
  const { query } = call.request
  const prefix = query.get('prefix') ?? ''
  const limit = query.integer('max-buckets', 10_000, 1, 10_000)
  const after = Buffer.from(query.get('continuation-token') ?? '', 'base64').toString()
  const region = query.get('bucket-region')
  const found = call.store
    .list()
    .map((bucket) => bucket.record)
    .filter(({ name }) => name.startsWith(prefix) && name > after)
    .filter((bucket) => region === undefined || bucket.region === region)
  const shown = found.slice(0, limit)
  const last = shown.at(-1)?.name
  const next = found.length > shown.length && last !== undefined ? Buffer.from(last).toString('base64') : undefined
  return xmlAnswer(
    renderXml(
      element('ListAllMyBucketsResult', [
        ownerElement(),
        element(
          'Buckets',
          shown.map((bucket) =>
            element('Bucket', [
              element('Name', bucket.name),
              element('CreationDate', bucket.createdAt),
              element('BucketRegion', bucket.region),
            ]),
          ),
        ),
        ...optional('Prefix', prefix === '' ? undefined : prefix),
        ...optional('ContinuationToken', next),
      ]),
    ),
  )
}

/** us-east-1 has no name here, for historical reasons of S3's. */
export function getBucketLocation(call: Call): S3Response {
  const { region } = bucketOf(call).record
  return xmlAnswer(renderXml(element('LocationConstraint', region === DEFAULT_REGION ? '' : region)))
}

export function getBucketVersioning(call: Call): S3Response {
  const { versioning } = bucketOf(call).record
  return xmlAnswer(renderXml(element('VersioningConfiguration', optional('Status', versioning))))
}

export async function putBucketVersioning(call: Call): Promise<S3Response> {
  const bucket = bucketOf(call)
  const root = parseXml(await call.body.text(LARGEST_XML_BYTES), 'VersioningConfiguration')
  root.allowOnly('Status', 'MfaDelete')
  if (root.value('MfaDelete') === 'Enabled')
    throw new S3Error('NotImplemented', { message: 'This server does not implement MFA delete.' })
  const status = root.value('Status')
  if (status !== 'Enabled' && status !== 'Suspended') {
    throw new S3Error('MalformedXML')
  }
  if (status === 'Suspended' && bucket.record.objectLock !== undefined) {
    throw new S3Error('InvalidBucketState', {
      message: 'An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.',
    })
  }
  bucket.saveRecord({ versioning: status })
  await settle(bucket.paths.record)
  return { status: 200 }
}

export function getObjectLockConfiguration(call: Call): S3Response {
  const lock = bucketOf(call).record.objectLock
  if (lock === undefined) throw new S3Error('ObjectLockConfigurationNotFoundError')
  const rule =
    lock.mode === undefined
      ? []
      : [
          element('Rule', [
            element('DefaultRetention', [
              element('Mode', lock.mode),
              ...optional('Days', lock.days),
              ...optional('Years', lock.years),
            ]),
          ]),
        ]
  return xmlAnswer(renderXml(element('ObjectLockConfiguration', [element('ObjectLockEnabled', 'Enabled'), ...rule])))
}

export async function putObjectLockConfiguration(call: Call): Promise<S3Response> {
  const bucket = bucketOf(call)
  const root = parseXml(await call.body.text(LARGEST_XML_BYTES), 'ObjectLockConfiguration')
  root.allowOnly('ObjectLockEnabled', 'Rule')
  if (root.value('ObjectLockEnabled') !== 'Enabled') throw new S3Error('MalformedXML')
  if (bucket.record.versioning !== 'Enabled') {
    throw new S3Error('InvalidBucketState', {
      message: "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration",
    })
  }
  const rule = root.child('Rule')
  rule?.allowOnly('DefaultRetention')
  const retention = rule?.child('DefaultRetention')
  retention?.allowOnly('Mode', 'Days', 'Years')
  if (rule && !retention) throw new S3Error('MalformedXML')
  bucket.saveRecord({ objectLock: retention ? defaultRetention(retention) : {} })
  await settle(bucket.paths.record)
  return { status: 200 }
}

function defaultRetention(node: {
  value: (name: string) => string | undefined
}): NonNullable<BucketRecord['objectLock']> {
  const mode = node.value('Mode')
  if (mode !== 'GOVERNANCE' && mode !== 'COMPLIANCE') throw new S3Error('MalformedXML')
  const days = node.value('Days')
  const years = node.value('Years')
  const period = days ?? years
  if (period === undefined || (days !== undefined && years !== undefined)) throw new S3Error('MalformedXML')
  if (!/^\d{1,6}$/.test(period) || Number(period) < 1) {
    throw invalidArgument('Default retention period must be a positive integer value.')
  }
  if (days !== undefined && Number(days) > 36_500) throw invalidRequest('Default retention period too large')
  return days === undefined ? { mode, years: Number(period) } : { mode, days: Number(period) }
}

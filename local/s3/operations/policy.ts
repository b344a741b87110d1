/** The policy that lies on a bucket. What can't be judged is refused when it is stored, never skipped when it applies. */
import { PolicyError, readPolicy, type Statement } from '../../iam/policy.ts'
import { notImplemented, S3Error } from '../errors.ts'
import type { BucketStore } from '../store/bucket-store.ts'

/** @throws S3Error MalformedPolicy, NotImplemented */
export function parsePolicy(text: string, bucketName: string): Statement[] {
  const statements = read(text)
  const arn = `arn:aws:s3:::${bucketName}`
  for (const resource of statements.flatMap(({ resources, notResources }) => resources ?? notResources ?? [])) {
    if (resource !== '*' && resource !== arn && !resource.startsWith(`${arn}/`) && !resource.includes('*')) {
      throw new S3Error('MalformedPolicy', { message: 'Policy has invalid resource' })
    }
  }
  return statements
}

function read(text: string): Statement[] {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    throw new S3Error('MalformedPolicy', { message: "Policies must be valid JSON and the first byte must be '{'" })
  }
  try {
    return readPolicy(json, 'resource')
  } catch (cause) {
    if (!(cause instanceof PolicyError)) throw cause
    if (cause.unknown) throw notImplemented(`${cause.message} in bucket policies`)
    throw new S3Error('MalformedPolicy', { message: `Policy document is not valid: ${cause.message}` })
  }
}

/** What was stored was parsed before. */
export function storedPolicy({ record: { name, settings } }: BucketStore): Statement[] {
  return settings['policy'] === undefined ? [] : parsePolicy(settings['policy'], name)
}

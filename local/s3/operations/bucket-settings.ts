/** Configurations of a bucket. Tags, encryption and policy have effects elsewhere; the others are kept and handed back. */
import { S3Error, type S3ErrorCode } from '../errors.ts'
import { element, parseXml, renderXml, type XmlNode } from '../protocol/xml.ts'
import { settle } from '../store/durable-file.ts'
import { bucketOf, type Call, LARGEST_XML_BYTES, type Operation, type S3Response, xmlAnswer } from './call.ts'
import { parsePolicy } from './policy.ts'
import { parseTagging } from './tag-set.ts'

interface Setting {
  /** The sub-resource, as in `?lifecycle`. */
  name: string
  root: string
  check: (root: XmlNode) => void
  /** What S3 answers when nothing is set: an error, or a default configuration. */
  absent: S3ErrorCode | { xml: string }
}

const NO_NOTIFICATIONS = renderXml(element('NotificationConfiguration', ''))
const DEFAULT_ENCRYPTION = renderXml(
  element('ServerSideEncryptionConfiguration', [
    element('Rule', [
      element('ApplyServerSideEncryptionByDefault', [element('SSEAlgorithm', 'AES256')]),
      element('BucketKeyEnabled', false),
    ]),
  ]),
)

function requireRules(root: XmlNode): void {
  if (root.all('Rule').length === 0) throw new S3Error('MalformedXML')
}

export const LIFECYCLE: Setting = {
  name: 'lifecycle',
  root: 'LifecycleConfiguration',
  check: (root) => {
    requireRules(root)
    for (const rule of root.all('Rule')) {
      const status = rule.value('Status')
      if (status !== 'Enabled' && status !== 'Disabled') throw new S3Error('MalformedXML')
    }
  },
  absent: 'NoSuchLifecycleConfiguration',
}

export const ENCRYPTION: Setting = {
  name: 'encryption',
  root: 'ServerSideEncryptionConfiguration',
  check: (root) => {
    requireRules(root)
    const algorithm = root.child('Rule')?.child('ApplyServerSideEncryptionByDefault')?.value('SSEAlgorithm')
    if (algorithm !== undefined && !['AES256', 'aws:kms', 'aws:kms:dsse'].includes(algorithm)) {
      throw new S3Error('MalformedXML')
    }
  },
  absent: { xml: DEFAULT_ENCRYPTION },
}

export const PUBLIC_ACCESS_BLOCK: Setting = {
  name: 'publicAccessBlock',
  root: 'PublicAccessBlockConfiguration',
  check: (root) => root.allowOnly('BlockPublicAcls', 'IgnorePublicAcls', 'BlockPublicPolicy', 'RestrictPublicBuckets'),
  absent: 'NoSuchPublicAccessBlockConfiguration',
}

export const NOTIFICATION: Setting = {
  name: 'notification',
  root: 'NotificationConfiguration',
  check: () => undefined,
  absent: { xml: NO_NOTIFICATIONS },
}

export const OWNERSHIP: Setting = {
  name: 'ownershipControls',
  root: 'OwnershipControls',
  check: (root) => {
    requireRules(root)
    // Any other ownership would bring ACLs back, which this server doesn't have.
    if (root.child('Rule')?.value('ObjectOwnership') !== 'BucketOwnerEnforced') {
      throw new S3Error('NotImplemented', { message: 'This server implements only the ownership BucketOwnerEnforced.' })
    }
  },
  absent: 'OwnershipControlsNotFoundError',
}

export const TAGGING: Setting = {
  name: 'tagging',
  root: 'Tagging',
  check: (root) => void parseTagging(root, 50),
  absent: 'NoSuchTagSet',
}

const TRANSITION_DEFAULT = 'x-amz-transition-default-minimum-object-size'

export function getSetting(setting: Setting): Operation {
  return (call) => {
    const stored = bucketOf(call).record.settings[setting.name]
    if (stored !== undefined) return xmlAnswer(stored, settingHeaders(call, setting))
    if (typeof setting.absent === 'object') return xmlAnswer(setting.absent.xml)
    throw new S3Error(setting.absent)
  }
}

function settingHeaders(call: Call, setting: Setting): Record<string, string> {
  const size = bucketOf(call).record.settings[TRANSITION_DEFAULT]
  return setting === LIFECYCLE && size !== undefined ? { [TRANSITION_DEFAULT]: size } : {}
}

export function putSetting(setting: Setting): Operation {
  return async (call) => {
    const bucket = bucketOf(call)
    const text = await call.body.text(LARGEST_XML_BYTES)
    setting.check(parseXml(text, setting.root))
    const size = call.request.header(TRANSITION_DEFAULT) ?? 'all_storage_classes_128K'
    const extra = setting === LIFECYCLE ? { [TRANSITION_DEFAULT]: size } : {}
    await save(call, { ...bucket.record.settings, [setting.name]: text, ...extra })
    return { status: 200, headers: settingHeaders(call, setting) }
  }
}

export function deleteSetting(setting: Setting): Operation {
  return async (call) => {
    const { [setting.name]: _, ...rest } = bucketOf(call).record.settings
    await save(call, rest)
    return { status: 204 }
  }
}

async function save(call: Call, settings: Record<string, string>): Promise<void> {
  const bucket = bucketOf(call)
  bucket.saveRecord({ settings })
  await settle(bucket.paths.record)
}

export function getBucketPolicy(call: Call): S3Response {
  const policy = bucketOf(call).record.settings['policy']
  if (policy === undefined) throw new S3Error('NoSuchBucketPolicy')
  return { status: 200, headers: { 'content-type': 'application/json' }, body: policy }
}

export async function putBucketPolicy(call: Call): Promise<S3Response> {
  const bucket = bucketOf(call)
  const text = await call.body.text(20 * 1024)
  parsePolicy(text, bucket.record.name)
  await save(call, { ...bucket.record.settings, policy: text })
  return { status: 204 }
}

export async function deleteBucketPolicy(call: Call): Promise<S3Response> {
  const { policy: _, ...rest } = bucketOf(call).record.settings
  await save(call, rest)
  return { status: 204 }
}

/** No grant in a policy opens anything here: only the one key pair has access. */
export function getBucketPolicyStatus(call: Call): S3Response {
  if (bucketOf(call).record.settings['policy'] === undefined) throw new S3Error('NoSuchBucketPolicy')
  return xmlAnswer(renderXml(element('PolicyStatus', [element('IsPublic', false)])))
}

export function getBucketCors(call: Call): S3Response {
  bucketOf(call)
  throw new S3Error('NoSuchCORSConfiguration')
}

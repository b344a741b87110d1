/** What a company's account demands of whatever is deployed in it: fields of a deployment. */
import { z } from 'zod'

/** What CloudFormation, S3 and Lambda all take in a tag: letters, digits, blanks and these signs. */
const tagText = /^[\p{L}\p{N} _.:/=+@-]*$/u
const TAG_SIGNS = 'letters, digits, blanks and _ . : / = + - @'

/** What AWS would refuse of the name of a tag. */
function tagNameFault(name: string): string | undefined {
  if (/^aws:/i.test(name)) return 'AWS keeps names of tags with aws: for itself'
  if (name === '' || name.length > 128) return 'the name of a tag has 1 to 128 characters'
  return tagText.test(name) ? undefined : `the name of a tag has ${TAG_SIGNS}`
}

/** A resource may have 50, and some get a few of CloudFormation's own. */
const MOST_TAGS = 40

export const tagsSchema = z
  .record(z.string(), z.string().max(256).regex(tagText, `the value of a tag has ${TAG_SIGNS}`))
  .refine((tags) => Object.keys(tags).length <= MOST_TAGS, { error: `at most ${MOST_TAGS} tags` })
  .check(({ value, issues }) => {
    // As a schema of the keys, zod would only say that a key is invalid.
    for (const name of Object.keys(value)) {
      const message = tagNameFault(name)
      if (message !== undefined) issues.push({ code: 'custom', path: [name], message, input: name })
    }
  })

export const permissionsBoundarySchema = z
  .string()
  .regex(
    /^arn:aws[a-z-]*:iam::(\d{12}|aws):policy\/\S+$/,
    'a boundary is the ARN of a managed policy, like arn:aws:iam::123456789012:policy/boundary',
  )

export const keyArnSchema = z
  .string()
  .regex(/^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/\S+$/, 'a key has an ARN like arn:aws:kms:…:key/…')

/** Neither EventBridge nor CloudWatch publishes to a topic in FIFO order. */
export const topicArnSchema = z
  .string()
  .regex(
    /^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}$/,
    'a topic has an ARN like arn:aws:sns:eu-central-1:123456789012:alerts, and is not a FIFO topic',
  )

/** What the account of an ARN, or its region, has to be. */
export interface Whereabouts {
  account?: string | undefined
  region?: string | undefined
}

/** Says what of an ARN is elsewhere than a deployment goes; `undefined` where nothing is, or where that isn't known. */
export function elsewhere(arn: string, { account, region }: Whereabouts): string | undefined {
  const [, , , itsRegion, itsAccount] = arn.split(':')
  if (region !== undefined && itsRegion !== region) return `it is in ${itsRegion}, and the deployment in ${region}`
  if (account !== undefined && itsAccount !== account)
    return `it is of account ${itsAccount}, and the deployment of ${account}`
  return undefined
}

/** Of a deployment, what says whose the bucket is. */
interface Owned {
  account?: string | undefined
  bucket: { existing?: { account?: string | undefined } | undefined }
}

/** The account of a bucket that another account owns; `undefined` where it is the deployment's own. */
export function foreignOwner({ account, bucket }: Owned): string | undefined {
  const owner = bucket.existing?.account
  return owner === account ? undefined : owner
}

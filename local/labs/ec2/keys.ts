/** KMS keys: which one a new disk is encrypted with. The lab encrypts nothing; it keeps and checks the names. */
import type { Call } from './call.ts'
import { ec2 } from './errors.ts'

type At = Pick<Call, 'world' | 'region'>

/** The account's own key for EBS, where nobody names one. */
export const defaultKey = ({ world, region }: At): string =>
  `arn:aws:kms:${region.name}:${world.account}:key/00000000-1111-4222-8333-444444444444`

/** The ARN of a key that was named by ARN, id or alias; nothing for what is no name of a key in this Region. */
export function keyArn({ world, region }: At, named: string): string | undefined {
  if (named.startsWith('arn:'))
    return new RegExp(`^arn:aws:kms:${region.name}:\\d{12}:(?:key|alias)/.+$`).test(named) ? named : undefined
  const path = named.startsWith('alias/') || named.startsWith('key/') ? named : `key/${named}`
  return `arn:aws:kms:${region.name}:${world.account}:${path}`
}

/** Encrypted is what was encrypted before, what asks for it, and everything where the account says so. */
export function keyOf(
  at: At,
  before: { encrypted: boolean; kmsKeyId?: string } | undefined,
  asked: boolean | undefined,
  named: string | undefined,
): { encrypted: boolean; kmsKeyId?: string } {
  const encrypted = before?.encrypted === true || asked === true || at.world.settings.encryptByDefault
  if (!encrypted) {
    if (named !== undefined)
      throw ec2('InvalidParameterDependency', 'The parameter KmsKeyId requires the parameter Encrypted to be set.')
    return { encrypted }
  }
  if (named === undefined) return { encrypted, kmsKeyId: before?.kmsKeyId ?? defaultKey(at) }
  const kmsKeyId = keyArn(at, named)
  if (kmsKeyId === undefined) throw ec2('InvalidParameterValue', `Invalid KMS key: ${named}`)
  return { encrypted, kmsKeyId }
}

/** What refusals of EBS direct mean for a snapshot that is written (API reference: "Errors" of StartSnapshot and others). */
import { isOfCredentials, isThrottle } from '../../aws-api/ebs-refusal.ts'
import type { AwsRefusal } from '../../aws-api/query.ts'
import {
  ChecksumMismatch,
  ConnectionDropped,
  CredentialsRejected,
  type GuestliftError,
  PrivilegeMissing,
  TargetFull,
  TargetUnwritable,
} from '../../contracts/errors.ts'

/** A new snapshot may not be known everywhere for some seconds (coldsnap #43). */
export function isMissing({ code }: AwsRefusal): boolean {
  return /SNAPSHOT_NOT_FOUND|^ResourceNotFound/.test(code) && !code.includes('DEPENDENCY')
}

/** It isn't open for blocks: completed, or given up. */
export function isNotOpen({ code }: AwsRefusal): boolean {
  return code.endsWith('/INVALID_SNAPSHOT_ID')
}

/** @param where site, region, and snapshot once there is one */
export function writeFact(refusal: AwsRefusal, where: string, action: string): GuestliftError {
  const { code, status } = refusal
  const message = (advice: string) => `${where}: ebs:${action} was refused (${refusal.said}). ${advice}`
  const options = { cause: refusal }
  if (isThrottle(refusal)) {
    return new ConnectionDropped(
      message('The account writes as much as it may, or has as many snapshots pending.'),
      options,
    )
  }
  if (code.includes('DEPENDENCY_ACCESS_DENIED') || /CUSTOMER_KEY|DEPENDENCY_RESOURCE_NOT_FOUND/.test(code)) {
    return new TargetUnwritable(
      message(
        'The KMS key is not one of this region, or the account may not use it: it needs kms:DescribeKey, ' +
          "kms:GenerateDataKeyWithoutPlaintext and kms:CreateGrant, and the key's policy has to allow it.",
      ),
      options,
    )
  }
  if (isMissing(refusal)) {
    return new TargetUnwritable(
      message('Something removed the snapshot while it was written: look who, then restore again.'),
      options,
    )
  }
  if (isNotOpen(refusal)) {
    return new TargetUnwritable(
      message('It takes no blocks any more: it was completed, or nothing was put for three days. Restore again.'),
      options,
    )
  }
  if (/ServiceQuotaExceeded/.test(code) || status === 402) {
    return new TargetFull(message('Remove snapshots that nobody needs, or ask AWS for a higher quota.'), options)
  }
  if (isOfCredentials(refusal)) {
    return new CredentialsRejected(
      message("Check the keys or the role of the site's `restore`, and the clock here."),
      options,
    )
  }
  if (code.startsWith('AccessDenied') || (status === 403 && code !== '')) {
    return new PrivilegeMissing(
      message(`The account that restores needs the right to ebs:${action}: see "Restoring" in docs/ec2.md.`),
      options,
    )
  }
  if (/INVALID_BLOCK|INVALID_PARAMETER_VALUE/.test(code)) {
    return new ChecksumMismatch(message('AWS has other bytes than were sent. Restore again.'), options)
  }
  return new TargetUnwritable(
    message(code === '' ? 'That is no answer of EBS direct. Check `endpoints`.' : 'It is not tried again.'),
    options,
  )
}

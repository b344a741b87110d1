/** What refusals of EBS direct mean (API reference: "Errors" of GetSnapshotBlock and ListSnapshotBlocks). */
import { isOfCredentials, isThrottle } from '../../aws-api/ebs-refusal.ts'
import type { AwsRefusal } from '../../aws-api/query.ts'
import {
  ConnectionDropped,
  CredentialsRejected,
  type GuestliftError,
  PrivilegeMissing,
  SourceUnreadable,
} from '../../contracts/errors.ts'

/** @param where site, zone and snapshot */
export function ebsFact(refusal: AwsRefusal, where: string, action: string): GuestliftError {
  const { code, status } = refusal
  const message = (advice: string) => `${where}: ebs:${action} was refused (${refusal.said}). ${advice}`
  const options = { cause: refusal }
  if (isThrottle(refusal)) {
    return new ConnectionDropped(message('Others use up what the account may read. Lower getBlocksPerSecond.'), options)
  }
  if (code.includes('DEPENDENCY_ACCESS_DENIED')) {
    return new SourceUnreadable(
      message(
        "The volume is encrypted: the account needs kms:Decrypt for its key, and the key's policy has to allow it.",
      ),
      options,
    )
  }
  if (/SNAPSHOT_NOT_FOUND|^ResourceNotFound/.test(code)) {
    return new SourceUnreadable(
      message(
        'Something removed the snapshot while it was read: look for a lifecycle rule or script that removes snapshots.',
      ),
      options,
    )
  }
  if (isOfCredentials(refusal)) {
    return new CredentialsRejected(
      message("Check the keys or the role of the site's `auth`, and the clock here."),
      options,
    )
  }
  if (code.startsWith('AccessDenied') || (status === 403 && code !== '')) {
    return new PrivilegeMissing(
      message(`The account needs the right to ebs:${action}: see "Rights" in docs/ec2.md.`),
      options,
    )
  }
  if (code === '') return new SourceUnreadable(message('That is no answer of EBS direct. Check `endpoints`.'), options)
  return new SourceUnreadable(
    message('A snapshot in the archive tier, or one that is not completed, can not be read.'),
    options,
  )
}

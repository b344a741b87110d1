/**
 * Every error that leaves a function: one class per fact, grouped by what the workflow does about it.
 * Step Functions matches `name` literally, so it is a literal here and never the constructor's (bundling renames those).
 * Messages say what happened, where (site, node, guest) and what to do; they never hold a secret.
 * The comment above a class is what docs/troubleshooting.md says of the error.
 */

/**
 * - `retry`: the same call may succeed later.
 * - `skip`: the guest can't be backed up now; it is recorded and the run goes on.
 * - `fail-guest`: this guest's archive failed; clean up, record, go on with the others.
 * - `fail-run`: nobody's archive can succeed like this.
 */
export type ErrorGroup = 'retry' | 'skip' | 'fail-guest' | 'fail-run'

/**
 * Whether a fact speaks against what was read or what it is read from, apart from what the workflow does about it.
 * - `impeached`: the bytes or their source can't be trusted, or a person wants none of it: what was begun is dropped.
 * - `unscathed`: it says nothing about them (a login, a right, a certificate, a full disk): what was begun is kept.
 */
export type Standing = 'impeached' | 'unscathed'

export abstract class GuestliftError extends Error {
  abstract readonly group: ErrorGroup
  abstract readonly standing: Standing
}

function fact<Name extends string>(name: Name, group: ErrorGroup, standing: Standing = 'unscathed') {
  return class extends GuestliftError {
    static readonly errorName: Name = name
    override readonly name: Name = name
    readonly group: ErrorGroup = group
    readonly standing: Standing = standing
  }
}

/** The platform's API can't be reached, or answers with a passing fault: refused, reset, 5xx, 596. */
export class PlatformUnavailable extends fact('PlatformUnavailable', 'retry') {}
/** The node that holds the guest doesn't answer (Proxmox VE: 595), or its cluster can't resolve its name. */
export class NodeOffline extends fact('NodeOffline', 'retry') {}
/** A connection that moved bytes was cut or went silent. */
export class ConnectionDropped extends fact('ConnectionDropped', 'retry') {}
/** S3 answers 5xx or SlowDown, times out, or says nothing. */
export class StoreUnavailable extends fact('StoreUnavailable', 'retry') {}
/** A backup was asked for and the answer was lost. It isn't known yet whether the platform took it. */
export class BackupStartUnclear extends fact('BackupStartUnclear', 'retry') {}
/** The platform takes no further backup at this moment, and began none: it is asked again a minute later, for days. */
export class BackupPutOff extends fact('BackupPutOff', 'retry') {}
/**
 * A restore was asked for and the answer was lost. The platform's tasks show whether a guest is being made: they are looked
 * at before it is asked again.
 */
export class RestoreStartUnclear extends fact('RestoreStartUnclear', 'retry') {}

/** A short task holds the guest: a snapshot, a trim, or hibernating. */
export class GuestLockedBriefly extends fact('GuestLockedBriefly', 'retry') {}

/** A longer task holds the guest, such as a backup, a clone or a restore. It ends by itself. */
export class GuestLocked extends fact('GuestLocked', 'skip') {}
/** The guest is on its way to another node. */
export class GuestMigrating extends fact('GuestMigrating', 'skip') {}
/** Another run archives this guest at this moment, or another backup of the same account works on it. */
export class GuestBusy extends fact('GuestBusy', 'skip') {}

/** No guest has this id, or the account may not see it. */
export class GuestNotFound extends fact('GuestNotFound', 'fail-guest') {}
/** The guest's configuration is locked until a person acts, as for a hibernated or mounted guest. */
export class GuestLockStays extends fact('GuestLockStays', 'fail-guest') {}
/** The guest's id belongs to another guest than the planned one, so an archive would pass for the planned one's. */
export class GuestReplaced extends fact('GuestReplaced', 'fail-guest', 'impeached') {}
/** The platform's clock is further off ours than the site's `clockToleranceSeconds`. */
export class ClockOff extends fact('ClockOff', 'fail-guest') {}
/** The backup job ended, and the evidence says that it failed. */
export class BackupFailed extends fact('BackupFailed', 'fail-guest', 'impeached') {}
/** The platform accepted the call and did nothing (Proxmox VE: the text `OK` in place of a task). */
export class NothingBackedUp extends fact('NothingBackedUp', 'fail-guest', 'impeached') {}
/** The id that a guest was to be restored under belongs to another guest. Nothing was made or overwritten. */
export class GuestIdInUse extends fact('GuestIdInUse', 'fail-guest') {}
/** The target can't take the guest, as its checks or the platform itself say. Nothing was made. */
export class RestoreRefused extends fact('RestoreRefused', 'fail-guest') {}
/** The platform's restore ended badly. What it left is named. */
export class RestoreFailed extends fact('RestoreFailed', 'fail-guest') {}
/** A task of the platform other than a backup ended badly, or ended well and changed nothing. */
export class PlatformTaskFailed extends fact('PlatformTaskFailed', 'fail-guest') {}
/** The guest waited for three days, and its node was never free for its backup. */
export class NoTurnToDump extends fact('NoTurnToDump', 'fail-guest') {}
/** The storage is offline, disabled, full, or takes no backups. */
export class StorageUnusable extends fact('StorageUnusable', 'fail-guest') {}
/** The archive isn't where the platform said, or the route's account may not read it. */
export class SourceUnreadable extends fact('SourceUnreadable', 'fail-guest') {}
/** Size or time of the source changed while it was copied. */
export class SourceChanged extends fact('SourceChanged', 'fail-guest', 'impeached') {}
/** The source ended before the bytes that it had promised. */
export class ShortRead extends fact('ShortRead', 'fail-guest', 'impeached') {}
/** The checksum over what arrived, in S3 or on a node, differs from the one over the bytes that were read. */
export class ChecksumMismatch extends fact('ChecksumMismatch', 'fail-guest', 'impeached') {}
/** The archive is stored whole and counts, and it is less consistent or complete than the job's `require`. */
export class GradeNotReached extends fact('GradeNotReached', 'fail-guest') {
  // It ends a guest as its outcome's name and is thrown nowhere: nothing is wrong with the bytes.
}
/**
 * What was copied is what the platform gave, and it is no archive of that guest. A restore would refuse it from its
 * first bytes on.
 */
export class NotAnArchive extends fact('NotAnArchive', 'fail-guest', 'impeached') {}
/**
 * S3 doesn't show the Object Lock on a file that the job or the deployment asks for, or can't give it. The file is stored
 * whole and has no manifest, so it doesn't count as an archive.
 */
export class LockMissing extends fact('LockMissing', 'fail-guest') {}
/** The time that an archive has for its copy (14 days) is over, and parts are missing. */
export class LineTooSlow extends fact('LineTooSlow', 'fail-guest') {}
/** The object's key is taken by other content. Nothing was overwritten. */
export class ArchiveConflict extends fact('ArchiveConflict', 'fail-guest', 'impeached') {}
/** The node that a file is brought to has no room for it, or the account has reached its quota there. */
export class TargetFull extends fact('TargetFull', 'fail-guest') {}
/** A file of this name lies on the target already, and it isn't the archive's. Nothing was overwritten. */
export class TargetTaken extends fact('TargetTaken', 'fail-guest') {}
/** A file can't be written where it was to be brought: a missing folder, a missing right, or something in its place. */
export class TargetUnwritable extends fact('TargetUnwritable', 'fail-guest') {}
/** The object is in an archive class of S3 (Glacier), and must be restored before it can be read. */
export class ObjectFrozen extends fact('ObjectFrozen', 'fail-guest') {}
/** The multipart upload was aborted, or it expired, while parts were sent. */
export class UploadVanished extends fact('UploadVanished', 'fail-guest') {}
/** A stored record is there and can't be read. It was left as it is, because unreadable never counts as empty. */
export class RecordUnreadable extends fact('RecordUnreadable', 'fail-guest') {}
/** A fault of Guestlift itself: an error that nobody foresaw, or a payload that breaks a contract. */
export class InternalFault extends fact('InternalFault', 'fail-guest') {}
/** A person stopped the run. On one machine that is Ctrl-C, SIGTERM or SIGHUP. */
export class RunInterrupted extends fact('RunInterrupted', 'fail-guest', 'impeached') {}

/** The job is malformed. The message names the field. */
export class InvalidJob extends fact('InvalidJob', 'fail-run') {}
/** The run may cost more than the job's budget, or a size is unknown. Nothing was started. */
export class BudgetExceeded extends fact('BudgetExceeded', 'fail-run') {}
/** No site of that name is configured, or the bucket holds nothing of it. */
export class UnknownSite extends fact('UnknownSite', 'fail-run') {}
/** No archive in the bucket is the one that was named, none of it is whole, or the name fits archives of several guests. */
export class ArchiveUnknown extends fact('ArchiveUnknown', 'fail-run') {}
/** Another cluster answers for the site than the one that its archives come from, and nobody has confirmed that. */
export class ClusterChanged extends fact('ClusterChanged', 'fail-run') {}
/** The site's secret or site file is malformed. The message names the field. */
export class InvalidSite extends fact('InvalidSite', 'fail-run') {}
/** The platform rejected the password, ticket or token. */
export class CredentialsRejected extends fact('CredentialsRejected', 'fail-run') {}
/** The account wants a second factor, and the site has no `totpSecret`, or the factor is of another kind. */
export class SecondFactorRequired extends fact('SecondFactorRequired', 'fail-run') {}
/** The account lacks a privilege. The message names privilege and path. */
export class PrivilegeMissing extends fact('PrivilegeMissing', 'fail-run') {}
/** The platform refused the request itself (400, 501): a wrong parameter or an unsupported version. */
export class RequestRejected extends fact('RequestRejected', 'fail-run') {}
/** The certificate isn't the one, or isn't from the authority, that the site's `tls` names. No credential was sent. */
export class TlsIdentityMismatch extends fact('TlsIdentityMismatch', 'fail-run') {}
/**
 * The SSH server showed a key that the site's `hostKeys` doesn't list, or the site lists none. No credential was sent.
 */
export class HostKeyMismatch extends fact('HostKeyMismatch', 'fail-run') {}
/** The route's server refused user, key or password. */
export class RouteLoginRejected extends fact('RouteLoginRejected', 'fail-run') {}
/** Before anything was dumped, nobody answered for the files of a node: refused, no such name, or silence. */
export class RouteUnreachable extends fact('RouteUnreachable', 'fail-run') {}
/** Before anything was begun, nobody answered at the store's endpoint: refused, no such name, or silence. */
export class StoreUnreachable extends fact('StoreUnreachable', 'fail-run') {}
/** The store lacks an operation that Guestlift needs, or says that it did something and didn't. */
export class StoreUnsuitable extends fact('StoreUnsuitable', 'fail-run') {}
/**
 * S3 refused the call: permission, signature, expired token, clock, or a missing bucket. Or a function may not read a
 * site's secret.
 */
export class StoreDenied extends fact('StoreDenied', 'fail-run') {}
/** A newer version of Guestlift wrote a stored record, and this one doesn't know what it means. */
export class RecordTooNew extends fact('RecordTooNew', 'fail-run') {}
/** What answers at the endpoint isn't S3: a web page, another service, or a list that isn't the one asked for. */
export class NotAnObjectStore extends fact('NotAnObjectStore', 'fail-run') {}

const facts = [
  PlatformUnavailable,
  NodeOffline,
  ConnectionDropped,
  StoreUnavailable,
  BackupStartUnclear,
  BackupPutOff,
  RestoreStartUnclear,
  GuestLockedBriefly,
  GuestLocked,
  GuestMigrating,
  GuestBusy,
  GuestNotFound,
  GuestLockStays,
  GuestReplaced,
  ClockOff,
  BackupFailed,
  NothingBackedUp,
  GuestIdInUse,
  RestoreRefused,
  RestoreFailed,
  PlatformTaskFailed,
  NoTurnToDump,
  StorageUnusable,
  SourceUnreadable,
  SourceChanged,
  ShortRead,
  ChecksumMismatch,
  GradeNotReached,
  NotAnArchive,
  LineTooSlow,
  ArchiveConflict,
  TargetFull,
  TargetTaken,
  TargetUnwritable,
  ObjectFrozen,
  UploadVanished,
  RecordUnreadable,
  RunInterrupted,
  InvalidJob,
  BudgetExceeded,
  UnknownSite,
  ArchiveUnknown,
  ClusterChanged,
  InvalidSite,
  CredentialsRejected,
  SecondFactorRequired,
  PrivilegeMissing,
  RequestRejected,
  TlsIdentityMismatch,
  HostKeyMismatch,
  RouteLoginRejected,
  RouteUnreachable,
  StoreUnreachable,
  StoreUnsuitable,
  StoreDenied,
  RecordTooNew,
  NotAnObjectStore,
]

const groupByName: ReadonlyMap<string, ErrorGroup> = new Map(facts.map((Fact) => [Fact.errorName, new Fact('').group]))
const standingByName: ReadonlyMap<string, Standing> = new Map(
  facts.map((Fact) => [Fact.errorName, new Fact('').standing]),
)

/** The group of an error by its name, as a state machine reports it; `undefined` for names that aren't ours. */
export function errorGroup(name: string): ErrorGroup | undefined {
  return groupByName.get(name)
}

/** Names of all errors of a group, for Retry and Catch. */
export function errorNames(group: ErrorGroup): string[] {
  return [...groupByName].filter(([, itsGroup]) => itsGroup === group).map(([name]) => name)
}

/** What an error says of bytes and source, by its name; one that isn't ours says nothing of them. */
export function errorStanding(name: string): Standing {
  return standingByName.get(name) ?? 'unscathed'
}

/**
 * Every error that leaves a function: one class per fact, grouped by what the workflow does about it.
 * Step Functions matches `name` literally, so it is a literal here and never the constructor's (bundling renames those).
 * Messages say what happened, where (site, node, guest) and what to do; they never hold a secret.
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

/** The platform's API can't be reached or answered with a passing fault (connection refused, reset, 5xx, 596). */
export class PlatformUnavailable extends fact('PlatformUnavailable', 'retry') {}
/** The node that holds the guest doesn't answer (Proxmox: 595). */
export class NodeOffline extends fact('NodeOffline', 'retry') {}
/** A connection that moved bytes was cut or went silent. */
export class ConnectionDropped extends fact('ConnectionDropped', 'retry') {}
/** S3 answered 5xx, SlowDown, a time-out, or not at all. */
export class StoreUnavailable extends fact('StoreUnavailable', 'retry') {}
/** A backup was asked for and the answer was lost; it isn't known yet whether the platform took it. */
export class BackupStartUnclear extends fact('BackupStartUnclear', 'retry') {}

/** The guest's configuration is locked for seconds or minutes: a snapshot is being taken. */
export class GuestLockedBriefly extends fact('GuestLockedBriefly', 'retry') {}

/** The guest's configuration is locked by another operation that ends by itself. */
export class GuestLocked extends fact('GuestLocked', 'skip') {}
/** The guest is on its way to another node. */
export class GuestMigrating extends fact('GuestMigrating', 'skip') {}
/** Another run archives this guest at this moment. */
export class GuestBusy extends fact('GuestBusy', 'skip') {}

/** No guest with that id, or none this account may see. */
export class GuestNotFound extends fact('GuestNotFound', 'fail-guest') {}
/** The guest's configuration is locked until a person does something: it is hibernated, or mounted on its node. */
export class GuestLockStays extends fact('GuestLockStays', 'fail-guest') {}
/** The guest's id belongs to another guest than the one that was planned: an archive would pass for the planned one's. */
export class GuestReplaced extends fact('GuestReplaced', 'fail-guest', 'impeached') {}
/** The platform's clock is further off ours than the site allows. */
export class ClockOff extends fact('ClockOff', 'fail-guest') {}
/** The backup job ended and the evidence says that it failed. */
export class BackupFailed extends fact('BackupFailed', 'fail-guest', 'impeached') {}
/** The platform accepted the call and did nothing (Proxmox: the text `OK` in place of a UPID). */
export class NothingBackedUp extends fact('NothingBackedUp', 'fail-guest', 'impeached') {}
/** A task of the platform other than a backup (start, stop, remove, …) ended badly, or ended well and changed nothing. */
export class PlatformTaskFailed extends fact('PlatformTaskFailed', 'fail-guest') {}
/** The guest waited for days, and its node was never free for its backup. */
export class NoTurnToDump extends fact('NoTurnToDump', 'fail-guest') {}
/** The storage is offline, disabled, full, or doesn't take backups. */
export class StorageUnusable extends fact('StorageUnusable', 'fail-guest') {}
/** The archive is not where the platform said, or the route's account may not read it. */
export class SourceUnreadable extends fact('SourceUnreadable', 'fail-guest') {}
/** Size or modification time of the source changed while it was copied. */
export class SourceChanged extends fact('SourceChanged', 'fail-guest', 'impeached') {}
/** The source ended before the bytes it had promised. */
export class ShortRead extends fact('ShortRead', 'fail-guest', 'impeached') {}
/** S3's checksum over the finished object differs from the one over the bytes that were read. */
export class ChecksumMismatch extends fact('ChecksumMismatch', 'fail-guest', 'impeached') {}
/**
 * The archive is stored whole, and less consistent or complete than its job requires. It ends a guest as its outcome's
 * name and is thrown nowhere: nothing is wrong with the bytes.
 */
export class GradeNotReached extends fact('GradeNotReached', 'fail-guest') {}
/** What was copied faithfully is no archive of that guest: a restore would refuse it from its first bytes on. */
export class NotAnArchive extends fact('NotAnArchive', 'fail-guest', 'impeached') {}
/** The time that an archive has for its copy is over, and parts are missing. What S3 has of it is as good as before. */
export class LineTooSlow extends fact('LineTooSlow', 'fail-guest') {}
/** The object's key is taken by other content. Nothing was overwritten. */
export class ArchiveConflict extends fact('ArchiveConflict', 'fail-guest', 'impeached') {}
/** The object lies in an archive class of S3 (Glacier), which gives it to nobody before it is restored. */
export class ObjectFrozen extends fact('ObjectFrozen', 'fail-guest') {}
/** The multipart upload was aborted or expired under us. */
export class UploadVanished extends fact('UploadVanished', 'fail-guest') {}
/** A stored record (ledger, claim, plan, …) is there and can't be read. It was left as it is: unreadable isn't empty. */
export class RecordUnreadable extends fact('RecordUnreadable', 'fail-guest') {}
/** A fault of Guestlift itself: an error nobody foresaw, or a payload that breaks a contract. */
export class InternalFault extends fact('InternalFault', 'fail-guest') {}
/** The operator stopped the run. */
export class RunInterrupted extends fact('RunInterrupted', 'fail-guest', 'impeached') {}

/** The job is malformed. */
export class InvalidJob extends fact('InvalidJob', 'fail-run') {}
/** The run may cost more than the job's budget; nothing was started. */
export class BudgetExceeded extends fact('BudgetExceeded', 'fail-run') {}
/** No site of that name is configured. */
export class UnknownSite extends fact('UnknownSite', 'fail-run') {}
/** Another cluster answers for a site than the one that its archives come from, and nobody has confirmed that. */
export class ClusterChanged extends fact('ClusterChanged', 'fail-run') {}
/** The site's configuration is malformed. */
export class InvalidSite extends fact('InvalidSite', 'fail-run') {}
/** Password, ticket or token were rejected. */
export class CredentialsRejected extends fact('CredentialsRejected', 'fail-run') {}
/** The account wants a second factor, which an unattended run can't give. */
export class SecondFactorRequired extends fact('SecondFactorRequired', 'fail-run') {}
/** The account lacks a privilege; the message names privilege and path. */
export class PrivilegeMissing extends fact('PrivilegeMissing', 'fail-run') {}
/** The platform refused the request itself (400, 501): wrong parameter or unsupported version. */
export class RequestRejected extends fact('RequestRejected', 'fail-run') {}
/** The certificate isn't the one (or from the authority) that the site's `tls` names. */
export class TlsIdentityMismatch extends fact('TlsIdentityMismatch', 'fail-run') {}
/** The SSH server showed a key that the site's `hostKeys` doesn't list, or the site lists none. */
export class HostKeyMismatch extends fact('HostKeyMismatch', 'fail-run') {}
/** The route's server refused user, key or password. */
export class RouteLoginRejected extends fact('RouteLoginRejected', 'fail-run') {}
/** Before anything was dumped, nobody answered for the files of a node: refused, no such name, silence. */
export class RouteUnreachable extends fact('RouteUnreachable', 'fail-run') {}
/** Before anything was begun, nobody answered at the store's endpoint: refused, no such name, silence. */
export class StoreUnreachable extends fact('StoreUnreachable', 'fail-run') {}
/** The store lacks an operation that Guestlift can't do without, or says that it did something and didn't. */
export class StoreUnsuitable extends fact('StoreUnsuitable', 'fail-run') {}
/** S3 refused the call: permission, signature, or a missing bucket. */
export class StoreDenied extends fact('StoreDenied', 'fail-run') {}
/** A newer version of Guestlift wrote a stored record, and what it means isn't known here. */
export class RecordTooNew extends fact('RecordTooNew', 'fail-run') {}
/** What answers at the endpoint isn't S3: a web page, another service, or a list that isn't the one asked for. */
export class NotAnObjectStore extends fact('NotAnObjectStore', 'fail-run') {}

const facts = [
  PlatformUnavailable,
  NodeOffline,
  ConnectionDropped,
  StoreUnavailable,
  BackupStartUnclear,
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
  ObjectFrozen,
  UploadVanished,
  RecordUnreadable,
  RunInterrupted,
  InvalidJob,
  BudgetExceeded,
  UnknownSite,
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

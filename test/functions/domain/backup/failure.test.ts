import { describe, expect, it } from 'vitest'
import * as errors from '../../../../functions/contracts/errors.ts'
import { readFailure } from '../../../../functions/domain/backup/failure.ts'

/** Each error by name: does it speak against the bytes that were read, or their source? */
const table: Record<string, 'impeached' | 'unscathed'> = {
  PlatformUnavailable: 'unscathed',
  NodeOffline: 'unscathed',
  ConnectionDropped: 'unscathed',
  StoreUnavailable: 'unscathed',
  BackupStartUnclear: 'unscathed',
  GuestLockedBriefly: 'unscathed',
  GuestLocked: 'unscathed',
  GuestMigrating: 'unscathed',
  BackupPutOff: 'unscathed',
  GuestBusy: 'unscathed',
  GuestNotFound: 'unscathed',
  // The bytes are another guest's.
  GuestReplaced: 'impeached',
  GuestLockStays: 'unscathed',
  ClockOff: 'unscathed',
  BackupFailed: 'impeached',
  NothingBackedUp: 'impeached',
  NoTurnToDump: 'unscathed',
  PlatformTaskFailed: 'unscathed',
  StorageUnusable: 'unscathed',
  SourceUnreadable: 'unscathed',
  SourceChanged: 'impeached',
  ShortRead: 'impeached',
  ChecksumMismatch: 'impeached',
  GradeNotReached: 'unscathed',
  NotAnArchive: 'impeached',
  ArchiveConflict: 'impeached',
  ObjectFrozen: 'unscathed',
  LineTooSlow: 'unscathed',
  UploadVanished: 'unscathed',
  RecordUnreadable: 'unscathed',
  InternalFault: 'unscathed',
  RunInterrupted: 'impeached',
  InvalidJob: 'unscathed',
  BudgetExceeded: 'unscathed',
  UnknownSite: 'unscathed',
  ArchiveUnknown: 'unscathed',
  InvalidSite: 'unscathed',
  CredentialsRejected: 'unscathed',
  SecondFactorRequired: 'unscathed',
  PrivilegeMissing: 'unscathed',
  RequestRejected: 'unscathed',
  TlsIdentityMismatch: 'unscathed',
  HostKeyMismatch: 'unscathed',
  RouteLoginRejected: 'unscathed',
  RouteUnreachable: 'unscathed',
  StoreUnreachable: 'unscathed',
  StoreUnsuitable: 'unscathed',
  RestoreStartUnclear: 'unscathed',
  GuestIdInUse: 'unscathed',
  RestoreRefused: 'unscathed',
  RestoreFailed: 'unscathed',
  TargetFull: 'unscathed',
  LockMissing: 'unscathed',
  TargetTaken: 'unscathed',
  TargetUnwritable: 'unscathed',
  StoreDenied: 'unscathed',
  RecordTooNew: 'unscathed',
  ClusterChanged: 'unscathed',
  NotAnObjectStore: 'unscathed',
  'States.Timeout': 'unscathed',
  'Lambda.Unknown': 'unscathed',
}

describe('reading a caught error', () => {
  it("finds the message in Lambda's JSON", () => {
    const Cause = JSON.stringify({ errorType: 'ShortRead', errorMessage: 'it ended early', trace: ['at x'] })
    expect(readFailure({ Error: 'ShortRead', Cause })).toEqual({
      name: 'ShortRead',
      message: 'it ended early',
      skipped: false,
      resumable: false,
    })
  })

  it('takes errors of the skip group as skipped, and what says nothing about the bytes as resumable', () => {
    expect(readFailure({ Error: 'GuestLocked', Cause: 'x' })).toMatchObject({ skipped: true, resumable: true })
    expect(readFailure({ Error: 'ConnectionDropped', Cause: 'x' })).toMatchObject({ skipped: false, resumable: true })
  })

  it('has words for a time-out of the machinery, which may be resumed', () => {
    expect(readFailure({ Error: 'States.Timeout' })).toMatchObject({
      message: expect.stringMatching(/longer than its time limit/),
      resumable: true,
    })
  })

  it('keeps a cause that is plain text', () => {
    expect(readFailure({ Error: 'Lambda.Unknown', Cause: 'The cause could not be determined' }).message).toBe(
      'The cause could not be determined',
    )
  })

  it.each(Object.entries(table))(
    'takes %s as %s, whatever its group: only the impeached is thrown away',
    (Error, standing) => {
      expect(readFailure({ Error }).resumable).toBe(standing === 'unscathed')
    },
  )

  it('has an entry for every error that leaves a function', () => {
    const names = Object.values(errors).flatMap((one) =>
      typeof one === 'function' && 'errorName' in one ? [one.errorName] : [],
    )
    expect(names.length).toBeGreaterThan(30)
    expect(names.filter((name) => table[name] === undefined)).toEqual([])
  })
})

/** What went wrong on a target, as the facts that the workflow knows: the same words for every way there. */
import {
  ChecksumMismatch,
  type GuestliftError,
  TargetFull,
  TargetTaken,
  TargetUnwritable,
} from '../contracts/errors.ts'

export function fullFact(path: string, where: string, said: string, options?: ErrorOptions): GuestliftError {
  return new TargetFull(
    `${path} can't be written on ${where}: ${said}. Make room there, or restore to another storage; what was brought is kept.`,
    options,
  )
}

export function noRoomFact(folder: string, where: string, neededBytes: number, freeBytes: number): GuestliftError {
  return new TargetFull(
    `${folder} on ${where} has ${freeBytes} bytes free, and ${neededBytes} more are needed. Make room there, or restore to another storage.`,
  )
}

/** Something that isn't ours has the final name. */
export function takenFact(path: string, where: string): GuestliftError {
  return new TargetTaken(
    `${path} on ${where} is there already, and it isn't this archive's file. It was left as it is. Move it away or rename it, then restore again.`,
  )
}

/** Something that isn't ours is where our own file is to be. */
export function foreignFact(path: string, where: string, said: string, options?: ErrorOptions): GuestliftError {
  return new TargetUnwritable(
    `${path} on ${where} is no file of Guestlift's (${said}). Nothing was written. Look who made it, and remove it.`,
    options,
  )
}

export function deniedFact(
  path: string,
  where: string,
  username: string,
  said: string,
  options?: ErrorOptions,
): GuestliftError {
  return new TargetUnwritable(
    `user ${username} may not write ${path} on ${where} (${said}). Give the account the right to write in that folder and to enter those above it.`,
    options,
  )
}

export function missingFact(
  path: string,
  where: string,
  username: string,
  said: string,
  options?: ErrorOptions,
): GuestliftError {
  return new TargetUnwritable(
    `${path} doesn't exist on ${where}, as user ${username} sees it (${said}). See whether the storage is online there, and whether the account is confined to a folder.`,
    options,
  )
}

export function damagedFact(path: string, where: string, positionBytes: number): GuestliftError {
  return new ChecksumMismatch(
    `${path} on ${where}: the range at byte ${positionBytes} isn't what was sent. Check the disk and memory of the node, then restore again.`,
  )
}

/** What the store gave isn't the archive's range, which says nothing against the target. */
export function otherBytesFact(path: string, positionBytes: number): GuestliftError {
  return new ChecksumMismatch(
    `${path}: the store gave other bytes for the range at byte ${positionBytes} than the archive has there. Verify the archive, then restore again.`,
  )
}

export function sizeFact(path: string, where: string, sizeBytes: number, wantedBytes: number): GuestliftError {
  return new ChecksumMismatch(
    `${path} on ${where} has ${sizeBytes} bytes in place of ${wantedBytes}. Something else writes to it; discard it and restore again.`,
  )
}

export function vanishedFact(path: string, where: string): GuestliftError {
  return new TargetUnwritable(
    `${path} on ${where} was removed before it was whole. Look what removes files there, then restore again.`,
  )
}

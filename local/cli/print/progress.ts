/** What is known of a run while it runs, as a pure reduction over what happened. Rendering is elsewhere. */

import type { ProgressFigures } from '../../../functions/contracts/progress.ts'

/** What happened, no matter who saw it: the local interpreter, or the history of an execution on AWS. */
export type RunEvent =
  | { kind: 'run-step'; step: string }
  | { kind: 'planned'; guestCount: number }
  | { kind: 'guest-step'; id: string; name: string; step: string }
  | { kind: 'waits-to-dump'; id: string; reason: string }
  | { kind: 'dumped'; id: string; percent?: number | undefined; figures?: ProgressFigures | undefined }
  /** A guest has an upload for each of its files; `key` names the object. */
  | { kind: 'upload-opened'; id: string; key: string; sizeBytes: number }
  /** `totalBytes` of the file are read at all, where holes of it aren't. */
  | { kind: 'copies-planned'; id: string; missingBytes: number; totalBytes?: number | undefined }
  | { kind: 'copied'; id: string; bytes: number }
  /** Of a restore: what the node lacks of the archive's file. */
  | { kind: 'delivery-planned'; missingBytes: number }
  | { kind: 'guest-ended'; id: string; outcome: 'succeeded' | 'failed' | 'skipped'; reason: string }
  | { kind: 'trouble'; id: string | undefined; step: string; error: string }
  /** The step that failed is tried again; `attempt` counts from 1. */
  | { kind: 'tried-again'; id: string | undefined; step: string; attempt: number }
  /** A call within a step got no answer, and is made again there. */
  | { kind: 'call-repeated'; reason: string }

/** A node dumps one guest at a time: the step of those that aren't it. */
export const WAITING_TO_DUMP = 'Waiting for a turn to dump'

export interface GuestLine {
  id: string
  name: string
  step: string
  startedAt: number
  dumpPercent?: number
  /** Bytes, rate and time left of the dump, as the last look at it told. */
  dump?: ProgressFigures
  /** What it waits for. */
  waitsFor?: string
  /** Of all its files so far, and how much of them was there before and was copied since. */
  sizeBytes?: number
  presentBytes: number
  copiedBytes: number
  copyStartedAt?: number
  /** The file that is copied now. */
  upload?: CurrentUpload
  /** What the current step last stumbled over. A retry or the clean-up follows. */
  trouble?: string
  /** Which try of the current step this is, once the first has failed. */
  attempt?: number
  ended?: { outcome: 'succeeded' | 'failed' | 'skipped'; reason: string; at: number }
}

interface CurrentUpload {
  key: string
  /** What the files before it came to. */
  earlier: { sizeBytes: number; presentBytes: number; copiedBytes: number }
  planned: boolean
}

/** A restore's file on its way to a node. */
export interface DeliveryProgress {
  sizeBytes: number
  deliveredBytes: number
  startedAt: number
}

export interface RunProgress {
  step: string
  guestCount: number | undefined
  /** As for a guest. */
  trouble?: string
  attempt?: number
  /** A call that got no answer, in whichever step, and when. */
  repeated?: { reason: string; at: number }
  delivery?: DeliveryProgress
  guests: ReadonlyMap<string, GuestLine>
}

export const nothingYet: RunProgress = { step: 'Starting', guestCount: undefined, guests: new Map() }

/** The progress after `happening` at `now` (milliseconds). */
export function advance(progress: RunProgress, happening: RunEvent, now: number): RunProgress {
  switch (happening.kind) {
    case 'run-step':
      return replaceRun(progress, { step: happening.step })
    case 'planned':
      return { ...progress, guestCount: happening.guestCount }
    case 'trouble':
      if (happening.id === undefined) return { ...progress, step: happening.step, trouble: happening.error }
      return change(progress, happening.id, now, { trouble: happening.error })
    case 'tried-again':
      if (happening.id === undefined) return { ...progress, attempt: happening.attempt }
      return change(progress, happening.id, now, { attempt: happening.attempt })
    case 'call-repeated':
      return { ...progress, repeated: { reason: happening.reason, at: now } }
    case 'guest-step': {
      const { step, name } = happening
      const { trouble: _over, attempt: _first, waitsFor, ...guest } = guestOf(progress, happening.id, now)
      const goesOnWaiting = step === WAITING_TO_DUMP && waitsFor !== undefined
      return replace(progress, { ...guest, step, name, ...(goesOnWaiting ? { waitsFor } : {}) })
    }
    case 'waits-to-dump':
      return change(progress, happening.id, now, { waitsFor: happening.reason })
    case 'dumped': {
      const { percent, figures } = happening
      const dumpPercent = percent ?? figures?.percent
      return change(progress, happening.id, now, {
        ...(dumpPercent === undefined ? {} : { dumpPercent }),
        ...(figures === undefined ? {} : { dump: figures }),
      })
    }
    case 'upload-opened':
      return replace(progress, withUpload(guestOf(progress, happening.id, now), happening))
    case 'copies-planned':
      return replace(progress, withPlan(guestOf(progress, happening.id, now), happening, now))
    case 'delivery-planned': {
      const { missingBytes } = happening
      const { sizeBytes = 0, startedAt = now } = progress.delivery ?? {}
      const whole = Math.max(sizeBytes, missingBytes)
      // It comes between two rounds, when what is there is known for certain: less than before, if the file vanished.
      return { ...progress, delivery: { sizeBytes: whole, deliveredBytes: whole - missingBytes, startedAt } }
    }
    case 'copied': {
      const { delivery } = progress
      if (delivery !== undefined) {
        const deliveredBytes = Math.min(delivery.sizeBytes, delivery.deliveredBytes + happening.bytes)
        return { ...progress, delivery: { ...delivery, deliveredBytes } }
      }
      const guest = guestOf(progress, happening.id, now)
      return replace(progress, { ...guest, copiedBytes: guest.copiedBytes + happening.bytes })
    }
    case 'guest-ended': {
      const { outcome, reason } = happening
      return change(progress, happening.id, now, { ended: { outcome, reason, at: now } })
    }
  }
}

/** The files before this one are whole. One that is opened anew begins from nothing. */
function withUpload(guest: GuestLine, { key, sizeBytes }: { key: string; sizeBytes: number }): GuestLine {
  const { upload, sizeBytes: before = 0, presentBytes } = guest
  const whole = { sizeBytes: before, presentBytes, copiedBytes: before - presentBytes }
  const earlier = upload?.key === key ? upload.earlier : whole
  return { ...guest, ...earlier, sizeBytes: earlier.sizeBytes + sizeBytes, upload: { key, earlier, planned: false } }
}

/** The first plan tells what an earlier run left behind; the next ones, what is there for certain. */
function withPlan(
  guest: GuestLine,
  { missingBytes, totalBytes }: { missingBytes: number; totalBytes?: number | undefined },
  now: number,
): GuestLine {
  const { upload, copyStartedAt = now } = guest
  const earlier = upload?.earlier ?? { sizeBytes: 0, presentBytes: 0, copiedBytes: 0 }
  const ownBytes = totalBytes ?? (guest.sizeBytes ?? 0) - earlier.sizeBytes
  const thereBytes = Math.max(0, ownBytes - missingBytes)
  const sizeBytes = earlier.sizeBytes + ownBytes
  if (upload?.planned !== true) {
    const planned = upload === undefined ? {} : { upload: { ...upload, planned: true } }
    return { ...guest, ...planned, sizeBytes, presentBytes: earlier.presentBytes + thereBytes, copyStartedAt }
  }
  const copied = earlier.copiedBytes + thereBytes - (guest.presentBytes - earlier.presentBytes)
  return { ...guest, sizeBytes, copiedBytes: Math.max(guest.copiedBytes, copied) }
}

/** A new step of the run: what the one before stumbled over is past. */
function replaceRun({ trouble: _over, attempt: _first, ...rest }: RunProgress, changes: { step: string }): RunProgress {
  return { ...rest, ...changes }
}

function guestOf(progress: RunProgress, id: string, now: number): GuestLine {
  return progress.guests.get(id) ?? { id, name: '', step: '', startedAt: now, presentBytes: 0, copiedBytes: 0 }
}

function change(progress: RunProgress, id: string, now: number, changes: Partial<GuestLine>): RunProgress {
  return replace(progress, { ...guestOf(progress, id, now), ...changes })
}

function replace(progress: RunProgress, guest: GuestLine): RunProgress {
  return { ...progress, guests: new Map(progress.guests).set(guest.id, guest) }
}

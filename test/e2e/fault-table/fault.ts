import type { GuestOutcome } from '../../../functions/contracts/report.ts'
import type { RestoreReport } from '../../../functions/contracts/restore-report.ts'
import type { Bed, BedKind } from './bed.ts'
import type { InstanceBed } from './instance-bed.ts'
import type { archived, RestoreBed, RestoreOrder } from './restore-bed.ts'

export type FaultRoute = 'sftp' | 'https'
export type DeliveryRoute = 'sftp' | 'pull'

/** How a guest's export ended. */
export interface Ending {
  outcome: GuestOutcome['outcome'] | 'none'
  /** The name of the verdict, or of the error that ended the run before the guest had one. */
  verdict: string
  reason: string
  /** Key of the object, once it is archived. */
  objectKey: string | undefined
  /** Bytes that the last execution says it sent. */
  bytesSent: number
}

/** How a restore ended. */
export interface RestoreEnding {
  outcome: RestoreReport['outcome'] | 'none'
  /** The name of the error that ended it; `none` after a success. */
  verdict: string
  reason: string
  report: RestoreReport | undefined
}

/** What every fault says of itself, on whatever bed it strikes. */
interface Disturbance<B, E> {
  /** A sentence: what goes wrong. */
  name: string
  theme: string
  /** What happens, for the table in docs/faults.md. */
  happens: string
  /** When `inject` is called: at the start, when a state is first entered, or when so many parts or ranges are confirmed. */
  when: 'at the start' | { state: string } | { part: number }
  inject: (bed: B) => Promise<void> | void
  /** How it ends: well, or failed with one of these. */
  expected: 'succeeded' | readonly string[]
  /** What must be in the reason, or in what the functions told on the way to success. */
  cause?: RegExp
  /** Anything else that has to hold; throws. */
  check?: (bed: B, ending: E) => Promise<void> | void
  /** Waits for real time-outs: run early, beside others. */
  long?: true
}

/** What goes wrong while a guest is backed up. */
export interface BackupFault extends Disturbance<Bed, Ending> {
  route: FaultRoute
  /** `small` unless told. */
  bed?: BedKind
  /** The site's name where it isn't the route's. */
  site?: string
  /** In place of one run of one guest. `armed` calls `inject` when it is due. */
  instead?: (bed: Bed, job: Job, armed: Arming) => Promise<Ending>
  /** Parts that S3 may take twice in one upload; 0 unless told: then the fault cut no stream whose part S3 already had. */
  partsTwice?: number
  /** Uploads that it takes; 1 unless told. */
  uploads?: number
  /** Why an open upload is left after the failure. */
  keepsUpload?: string
  /** The fault itself takes the source away. */
  losesSource?: true
}

/** What goes wrong while a guest is brought back. */
export interface RestoreFault extends Disturbance<RestoreBed, RestoreEnding> {
  /** The way of the archive's file to the node. */
  route: DeliveryRoute
  /** The guest whose archive is restored: `small` (one range) unless told, `large` for three, `packed` for a compressed one. */
  guest?: keyof typeof archived
  /** What the request has beside that. */
  request?: Readonly<Record<string, unknown>>
  /** In place of one restore. `armed` calls `inject` when it is due. */
  instead?: (bed: RestoreBed, order: RestoreOrder, armed: Arming) => Promise<RestoreEnding>
  /** The fault itself changes or removes objects of this archive. Every other object has to stay as it was. */
  spoilsArchive?: true
  /** Name of the guest that has the id after a failure, and keeps it. */
  holder?: string
  /** What stays on the node because no account may remove it, and the report names. */
  leaves?: RegExp
}

/** What goes wrong while an instance of EC2 with two volumes is backed up. */
export interface InstanceFault extends Disturbance<InstanceBed, Ending> {
  /** In place of one run. `armed` calls `inject` when it is due. */
  instead?: (bed: InstanceBed, armed: Arming) => Promise<Ending>
  /** Somebody else holds our snapshots. */
  leavesSnapshots?: true
  /** The fault keeps us from closing the uploads; parts are never thrown away for it. */
  keepsUploads?: true
  /** Tests of provider and reader play it, or it strikes what no platform has a part in: `npm run faults` plays it here. */
  byCommandAlone?: true
}

/** A fault of the table. */
export type Fault =
  | ({ scenario: 'backup' } & BackupFault)
  | ({ scenario: 'restore' } & RestoreFault)
  | ({ scenario: 'instance'; route: 'blocks' } & InstanceFault)

export interface Job {
  site: string
  guests: { vmids: number[] }
  backup: { storage: string; compress: string }
}

/** Listeners of a run that let the fault happen when it is due. */
export interface Arming {
  onState: (state: string) => void
  onPart: () => void
}

/** The same fault on either route. */
export function onBoth(make: (route: FaultRoute) => BackupFault): BackupFault[] {
  return [make('sftp'), make('https')]
}

/** The same fault on either way back to a node. */
export function onBothWays(make: (route: DeliveryRoute) => RestoreFault): RestoreFault[] {
  return [make('sftp'), make('pull')]
}

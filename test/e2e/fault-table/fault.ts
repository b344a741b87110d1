import type { GuestOutcome } from '../../../functions/contracts/report.ts'
import type { Bed, BedKind } from './bed.ts'

export type FaultRoute = 'sftp' | 'https'

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

export interface Fault {
  /** A sentence: what goes wrong. */
  name: string
  theme: string
  route: FaultRoute
  /** What happens, for the table in docs/faults.md. */
  happens: string
  /** When `inject` is called: at the start, when a state is first entered, or when S3 has confirmed so many parts. */
  when: 'at the start' | { state: string } | { part: number }
  inject: (bed: Bed) => Promise<void> | void
  /** `small` unless told. */
  bed?: BedKind
  /** The site's name where it isn't the route's. */
  site?: string
  /** In place of one run of one guest. `armed` calls `inject` when it is due. */
  scenario?: (bed: Bed, job: Job, armed: Arming) => Promise<Ending>
  /** How the guest ends: archived, or failed with one of these. */
  expected: 'succeeded' | readonly string[]
  /** What must be in the reason, or in what the functions told on the way to success. */
  cause?: RegExp
  /** Parts that S3 may take twice in one upload; 0 unless told: then the fault cut no stream whose part S3 already had. */
  partsTwice?: number
  /** Uploads that it takes; 1 unless told. */
  uploads?: number
  /** Why an open upload is left after the failure. */
  keepsUpload?: string
  /** The fault itself takes the source away. */
  losesSource?: true
  /** Anything else that has to hold; throws. */
  check?: (bed: Bed, ending: Ending) => Promise<void> | void
  /** Waits for real time-outs: run early, beside others. */
  long?: true
}

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
export function onBoth(make: (route: FaultRoute) => Fault): Fault[] {
  return [make('sftp'), make('https')]
}

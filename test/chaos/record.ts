/** All that is known of a round once it is over: what the invariants judge. Plain data. */
import type { RunReport } from '../../functions/contracts/report.ts'

/** What `--json` printed. */
export type PrintedReport = Pick<RunReport, 'outcome' | 'summary' | 'notes' | 'guests'> & { reportAt?: string }

export interface RunEnd {
  /** `undefined` when a signal ended it. */
  exitCode: number | undefined
  report: PrintedReport | undefined
  /** Somebody killed it: it owes no report. */
  killed: boolean
  /** Somebody asked it to stop. */
  stopped: boolean
  /** It ran in a quiet world. */
  quiet: boolean
  /** The last lines of its standard error. */
  stderr: string
}

export interface StoredFile {
  key: string
  sizeBytes: number
  sha256: string
}

/** A folder with a manifest. */
export interface StoredArchive {
  manifestKey: string
  guest: string
  jobRef: string | undefined
  files: StoredFile[]
  /** What the manifest says of its artifacts. */
  artifacts: { fileName: string; sizeBytes: number }[]
}

/** A finished dump, as it was when it appeared. */
export interface Dump {
  fileName: string
  sizeBytes: number
  sha256: string
}

export interface RoundRecord {
  seed: number
  asked: string[]
  deleteSource: boolean
  runs: RunEnd[]
  /** Archives that were there after each run, by the key of their manifests. */
  seen: Record<string, string>[]
  archives: StoredArchive[]
  dumps: Dump[]
  /** Sentences of all reports and outcomes in the bucket and of all runs. */
  said: string[]
  left: {
    tasks: string[]
    locks: string[]
    claims: string[]
    turns: string[]
    streams: string[]
    /** Keys of open uploads but for those of a store's test, and those that have a record. */
    uploads: string[]
    recorded: string[]
    /** Names of finished dumps, and of what unfinished ones left. */
    dumps: string[]
    halves: string[]
  }
  /** Parts that S3 took, in order, but for those of a store's test. */
  parts: { key: string; partNumber: number; sizeBytes: number }[]
  /** How many parts may be sent again: those whose answer may have been lost. */
  excusedParts: number
}

import type { Asker } from './asker.ts'
import type { DraftFile } from './write-files.ts'

/** What a platform's part gives back: nothing is written before all is known. */
export interface Drafted {
  /** The site file's content. */
  site: Record<string, unknown>
  /** Files beside it, as a key. */
  files: DraftFile[]
  /** The job's block `backup`. */
  backup: Record<string, unknown>
}

export interface Surroundings {
  siteName: string
  folder: string
  /** Certificates that a flag has confirmed. */
  expectedFingerprints: readonly string[]
  /** Host keys that a flag has confirmed. */
  expectedHostKeys: readonly string[]
}

/** A platform's questions. No credential is sent before a person, or a flag, has confirmed who answers. */
export type PlatformInit = (asker: Asker, surroundings: Surroundings) => Promise<Drafted>

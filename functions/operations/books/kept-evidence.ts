import type { z } from 'zod'
import type { keptEvidenceSchema } from '../../contracts/tasks.ts'
import { evidenceShape } from './shapes.ts'
import { readRecord } from './stored-json.ts'
import type { Ports } from '../ports.ts'

/** What Locate archive kept about the guest's job, if it got that far. */
export async function readKeptEvidence(
  key: string,
  { store }: Pick<Ports, 'store'>,
): Promise<z.infer<typeof keptEvidenceSchema> | undefined> {
  return readRecord(store, key, evidenceShape)
}

import type { z } from 'zod'
import { keptEvidenceSchema } from '../contracts/tasks.ts'
import type { Ports } from './ports.ts'

/** What Locate archive kept about the guest's job, if it got that far. */
export async function readKeptEvidence(
  key: string,
  { store }: Pick<Ports, 'store'>,
): Promise<z.infer<typeof keptEvidenceSchema> | undefined> {
  const found = await store.readText(key)
  return found === undefined ? undefined : keptEvidenceSchema.parse(JSON.parse(found.text))
}

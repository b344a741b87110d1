import type { BackupEvidence } from '../../../functions/contracts/evidence.ts'
import type { Guest } from '../../../functions/contracts/nouns.ts'
import type { Provider } from '../../../functions/providers/provider.ts'

/** The evidence alone. */
export async function evidenceOf(
  provider: Pick<Provider, 'gather'>,
  jobRef: string,
  guest: Guest,
  storage: string,
): Promise<BackupEvidence> {
  return (await provider.gather(jobRef, guest, storage)).evidence
}

/** Release one archive for good. */
export async function freed(provider: Pick<Provider, 'release'>, artifactRef: string, node: string): Promise<void> {
  const guest: Guest = { id: '100', kind: 'vm', name: '', node }
  await provider.release({ guest, sources: [{ artifactRef, node }] }, false)
}

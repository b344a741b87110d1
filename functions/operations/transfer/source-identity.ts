import type { AllocationMap } from '../../contracts/disk-archive.ts'
import { SourceChanged } from '../../contracts/errors.ts'
import type { SourceArtifact, SourceIdentity } from '../../contracts/nouns.ts'
import { judgeUnchanged } from '../../domain/transfer/copy-verdict.ts'
import type { Ports } from '../ports.ts'

/** Size and time of the source now, over a connection of its own. */
export async function statSource(
  ports: Pick<Ports, 'route'>,
  site: string,
  artifact: SourceArtifact,
): Promise<SourceIdentity> {
  const route = await ports.route(site)
  const reader = await route.open(artifact.location)
  await reader.close()
  return reader.opened
}

/**
 * Which blocks of a disk were ever written, where its platform says so.
 * @throws SourceChanged when the disk is no longer the one that is to be archived
 */
export async function allocationOf(
  ports: Pick<Ports, 'route'>,
  site: string,
  artifact: SourceArtifact,
  source: SourceIdentity,
): Promise<AllocationMap | undefined> {
  const reader = await (await ports.route(site)).open(artifact.location)
  try {
    assertSourceUnchanged(reader.opened, source, artifact)
    return await reader.allocation?.()
  } finally {
    await reader.close()
  }
}

/** Bytes of two states of a file must never meet in one object. @throws SourceChanged */
export function assertSourceUnchanged(now: SourceIdentity, expected: SourceIdentity, artifact: SourceArtifact): void {
  const { good, reason } = judgeUnchanged(artifact, expected, now)
  if (!good) throw new SourceChanged(reason)
}

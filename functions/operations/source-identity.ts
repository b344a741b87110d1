import { SourceChanged } from '../contracts/errors.ts'
import type { SourceArtifact, SourceIdentity } from '../contracts/nouns.ts'
import type { Ports } from './ports.ts'

export function sameIdentity(one: SourceIdentity, other: SourceIdentity): boolean {
  const sameMark = one.validator === undefined || other.validator === undefined || one.validator === other.validator
  return one.sizeBytes === other.sizeBytes && one.modifiedAt === other.modifiedAt && sameMark
}

function describe({ sizeBytes, modifiedAt, validator }: SourceIdentity): string {
  return `${sizeBytes} bytes of ${modifiedAt}${validator === undefined ? '' : ` (${validator})`}`
}

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

/** Bytes of two states of a file must never meet in one object. @throws SourceChanged */
export function assertSourceUnchanged(now: SourceIdentity, expected: SourceIdentity, artifact: SourceArtifact): void {
  if (sameIdentity(now, expected)) return
  throw new SourceChanged(
    `${artifact.location.path} on node ${artifact.location.node} changed while it was copied: ${describe(expected)} became ${describe(now)}. ` +
      'Something else writes or replaces it; the copy is discarded and a new run makes a new backup',
  )
}

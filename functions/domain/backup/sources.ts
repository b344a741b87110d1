/** The sources of an archive, in whichever of its two forms the evidence has them. */
import type { BackupEvidence, EvidenceSource } from '../../contracts/evidence.ts'

/** One that a storage lists, or several. None while nothing was seen. */
export function sourcesOf({ sources, listed, listedAgainSizeBytes, removeWith }: BackupEvidence): EvidenceSource[] {
  if (sources !== undefined) return sources
  if (listed === undefined) return []
  return [
    {
      artifact: listed,
      ...(listedAgainSizeBytes === undefined ? {} : { listedAgainSizeBytes }),
      ...(removeWith === undefined ? {} : { removeWith }),
    },
  ]
}

/** The same evidence with its sources changed, in the form that it has. */
export function withSources(
  evidence: BackupEvidence,
  change: (source: EvidenceSource) => EvidenceSource,
): BackupEvidence {
  if (evidence.sources !== undefined) return { ...evidence, sources: evidence.sources.map(change) }
  const [listed] = sourcesOf(evidence).map(change)
  if (listed === undefined) return evidence
  const { listedAgainSizeBytes } = listed
  return {
    ...evidence,
    listed: listed.artifact,
    ...(listedAgainSizeBytes === undefined ? {} : { listedAgainSizeBytes }),
  }
}

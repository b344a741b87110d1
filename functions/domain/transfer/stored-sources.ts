import type { SourceArtifact, StoredArtifact } from '../../contracts/nouns.ts'

export interface StoredSource {
  artifact: SourceArtifact
  /** Absent: it was not stored. */
  stored: StoredArtifact | undefined
}

/** Each source with what is stored of it. Objects stored by older versions don't say what they were copied from. */
export function pairSources(artifacts: readonly SourceArtifact[], stored: readonly StoredArtifact[]): StoredSource[] {
  return artifacts.map((artifact) => ({
    artifact,
    stored: stored.find((one) =>
      one.artifact === undefined
        ? one.fileName === artifact.fileName
        : one.artifact.artifactRef === artifact.artifactRef && one.artifact.fileName === artifact.fileName,
    ),
  }))
}

/** One small text of a site that all function calls share. Writes are conditional: two calls never undo each other's. */
export interface SharedText {
  read(): Promise<{ text: string; etag: string } | undefined>
  /** The new tag, or `undefined` when somebody else wrote meanwhile and nothing was written. */
  write(text: string, onlyIf: { absent: true } | { etag: string }): Promise<string | undefined>
}

/** What a provider needs from its surroundings. */
export interface ProviderDeps {
  /**
   * Bucket and folder of this installation, as `archives/` or `archives/team-a/`. It tells what is ours from what another
   * installation made under the same site name. Absent where nothing is made or swept, as at the command line.
   */
  home?: string
  now: () => Date
  sleep: (milliseconds: number) => Promise<void>
  /** One structured log line. Never given a secret. */
  log: (event: string, fields: Record<string, unknown>) => void
  /**
   * Where a login that can't be repeated at will is kept for the site's other calls. Anyone who writes a secret there seals
   * it first. Absent where a call is alone, as at the command line.
   */
  session?: SharedText
}

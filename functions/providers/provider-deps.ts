/** What a provider needs from its surroundings. */
export interface ProviderDeps {
  now: () => Date
  sleep: (milliseconds: number) => Promise<void>
  /** One structured log line. Never given a secret. */
  log: (event: string, fields: Record<string, unknown>) => void
}

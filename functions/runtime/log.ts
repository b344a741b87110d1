/** One JSON line on standard output: what CloudWatch indexes, and what the local runner reads progress from. */
export function logLine(event: string, fields: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify({ event, at: new Date().toISOString(), ...fields })}\n`)
}

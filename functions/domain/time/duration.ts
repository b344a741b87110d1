/** `36 hours`, `12 days`. */
export function duration(milliseconds: number): string {
  const hours = Math.floor(milliseconds / 3_600_000)
  return hours < 72 ? `${hours} hours` : `${Math.floor(hours / 24)} days`
}

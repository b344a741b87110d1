import type { GuestOutcome } from '../../functions/contracts/report.ts'

/** The outcome of a guest that needs no wait. */
export function ended(answer: GuestOutcome | { waitSeconds: number; reason: string }): GuestOutcome {
  if ('outcome' in answer) return answer
  throw new Error(`the guest hasn't ended: ${answer.reason}`)
}

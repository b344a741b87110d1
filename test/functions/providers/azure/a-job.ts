import type { JobRef } from '../../../../functions/providers/azure/identifiers.ts'

/** A backup by restore point of a machine that runs. */
export const aJob: JobRef = {
  guestId: '22222222-2222-2222-2222-222222222222',
  token: '0f1e2d3c4b5a6978',
  freeze: 'restore-point',
  consistency: 'application-or-crash',
  off: false,
  at: '2026-12-01T02:00:00.000Z',
  skip: [],
}

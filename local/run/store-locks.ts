/** Where the lock files of a store lie, for stores that may keep no conditions on writes. */
import { createHash } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Whether an endpoint is of AWS: none is, and so is one of a VPC. */
export function isAws(s3: string | undefined): boolean {
  return s3 === undefined || /\.amazonaws\.com(\.cn)?$/.test(URL.canParse(s3) ? new URL(s3).hostname : '')
}

/**
 * A folder of this user's on this machine, the same for every process, whatever folder it runs in. `undefined` on AWS,
 * which keeps all conditions.
 */
export function storeLocks(s3: string | undefined, bucket: string): string | undefined {
  if (s3 === undefined || isAws(s3)) return undefined
  const { XDG_STATE_HOME: state, HOME: home } = process.env
  const base =
    state !== undefined && state !== '' ? state : home === undefined ? tmpdir() : join(home, '.local', 'state')
  const place = `${URL.canParse(s3) ? new URL(s3).origin : s3}/${bucket}`
  return join(base, 'guestlift', 'stores', createHash('sha256').update(place).digest('hex').slice(0, 16))
}

import { GuestliftError, PlatformUnavailable } from '../../contracts/errors.ts'
import { type Finding, failed, passed } from '../../domain/doctor/finding.ts'
import type { Provider } from '../../providers/provider.ts'
import type { Ports } from '../ports.ts'
import { withinTime } from '../run/time-limit.ts'

const LOGIN_MILLISECONDS = 5_000

/** Can the account log in that brings guests back? What it may do is asked of it with an archive: `guestlift restore`. */
export async function inspectRestoreAccount(
  site: string,
  restorer: Pick<Provider, 'identify'>,
  ports: Pick<Ports, 'now' | 'sleep' | 'timer'>,
): Promise<Finding> {
  const late = () =>
    new PlatformUnavailable(`Site ${site}: the login of the account that restores took too long. Try again.`)
  const limit = { milliseconds: LOGIN_MILLISECONDS, mayPass: () => false, late }
  try {
    await withinTime(limit, ports, () => restorer.identify())
    return passed('restore', 'can log in; "guestlift restore" without --confirm shows what it may do')
  } catch (error) {
    if (!(error instanceof GuestliftError)) throw error
    return failed('restore', error)
  }
}

import type { BackupOptions } from '../../contracts/backup-options.ts'
import type { ClockOffset } from '../../contracts/evidence.ts'
import type { Provider } from '../../providers/provider.ts'
import { clockComplaint, readClock } from '../backup/clock-check.ts'
import { forecastPlace, type Place } from './foresee-place.ts'

export interface NodeLook {
  /** Where backups of its guests would go. */
  place: Place
  /** Absent where nothing shows the time. */
  clock?: ClockOffset
  /** Why no backup is made with this clock, a sentence. */
  complaint?: string
}

/** What a node has for backups of its guests, and what stands against them there. Changes nothing. */
export async function lookAtNode(
  { site, backup, node }: { site: string; backup: BackupOptions; node: string },
  provider: Provider,
): Promise<NodeLook> {
  const place = await forecastPlace(site, backup, node, provider)
  const clock = await readClock(node, provider)
  const complaint = clockComplaint({ site, node }, clock, provider)
  return {
    place,
    ...(clock === undefined ? {} : { clock }),
    ...(complaint === undefined ? {} : { complaint }),
  }
}

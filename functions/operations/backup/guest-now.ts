import { GuestNotFound, GuestReplaced, NodeOffline } from '../../contracts/errors.ts'
import type { PlanItem } from '../../contracts/plan-item.ts'
import { sameGuest } from '../../domain/identity/guest-identity.ts'
import type { FoundGuest } from '../../providers/guest-facts.ts'
import type { Provider } from '../../providers/provider.ts'

/**
 * The planned guest as it is at this moment.
 * @throws GuestNotFound, NodeOffline, and GuestReplaced when its id was given to another guest since
 */
export async function whereItIs(item: PlanItem, provider: Provider): Promise<FoundGuest> {
  const [guest] = await provider.findGuests([item.guest.id])
  if (guest === undefined) {
    throw new GuestNotFound(
      `Site ${item.site}: guest ${item.guest.id} was there when the run was planned and is gone now.`,
    )
  }
  if (guest.nodeOffline) {
    throw new NodeOffline(
      `Site ${item.site}: node ${guest.node} with guest ${guest.id} is offline. Bring it back or move the guest.`,
    )
  }
  requireSameGuest(item, guest)
  return guest
}

/** An id is given again as soon as it is free: what is there now may be another guest. */
function requireSameGuest({ site, guest: planned }: PlanItem, guest: FoundGuest): void {
  if (guest.kind === planned.kind && sameGuest(planned.identity, guest.identity) !== false) return
  throw new GuestReplaced(
    `Site ${site}, node ${guest.node}: id ${planned.id} was ${planned.kind} ${planned.name} when the run was planned, ` +
      `and now another guest has it (${guest.kind} ${guest.name}). Nothing was started: its archive would have passed ` +
      'for that of the planned guest. The next run archives the guest that is there.',
  )
}

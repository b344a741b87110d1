import { GuestBusy, InternalFault } from '../contracts/errors.ts'
import type { PlanItem } from '../contracts/tasks.ts'
import {
  type Claimant,
  type GuestClaim,
  guestClaimSchema,
  isOf,
  lapsesAt,
  newClaim,
  RENEW_AFTER_SECONDS,
  standsAgainst,
} from '../domain/guest-claim.ts'
import { claimKey } from '../domain/object-keys.ts'
import type { Ports } from './ports.ts'

type ClaimPorts = Pick<Ports, 'store' | 'keyPrefix' | 'now'>

/** Whose work it is: an item of a run's plan, and the execution that does it. */
export interface Work {
  item: PlanItem
  execution: string
}

/** A claim that this execution holds, with the tag that its next conditional write needs. */
export interface HeldClaim {
  claim: GuestClaim
  etag: string
}

function claimantOf({ item, execution }: Work): Claimant {
  return { runId: item.run.id, execution }
}

/**
 * Take the guest for this execution, or find the claim that it took earlier. The claim of a dead execution of the same
 * run is taken over with the job that it names, so that its work goes on.
 * @throws GuestBusy while another's claim stands
 */
export async function takeClaim(work: Work, ports: ClaimPorts): Promise<HeldClaim> {
  const { item, execution } = work
  const key = claimKey(ports.keyPrefix, item.site, item.guest)
  const found = await readClaim(key, ports)
  if (found !== undefined && standsAgainst(found.claim, claimantOf(work), ports.now())) {
    throw busy(work, found.claim, ports, key)
  }
  if (found?.claim.runId === item.run.id) {
    const held = isOf(found.claim, claimantOf(work)) && !found.claim.released
    return held ? found : changeClaim(work, found, { execution, released: false }, ports)
  }
  // What a run that is repeated left behind: its backup, which names the archive and its parts.
  if (found !== undefined && item.continues?.includes(found.claim.runId) === true) {
    return changeClaim(work, found, { runId: item.run.id, execution, released: false }, ports)
  }
  const claim = newClaim(claimantOf(work), ports.now())
  const onlyIf = found === undefined ? { absent: true as const } : { etag: found.etag }
  const etag = await ports.store.writeText(key, JSON.stringify(claim), { contentType: 'application/json', onlyIf })
  if (etag !== undefined) return { claim, etag }
  // Another execution wrote between our look and our write; its claim is fresh, so it stands.
  const winner = await readClaim(key, ports)
  if (winner !== undefined && isOf(winner.claim, claimantOf(work))) return winner
  throw busy(work, winner?.claim, ports, key)
}

/** Whoever's claim on the item's guest there is. */
export async function claimOn(item: PlanItem, ports: ClaimPorts): Promise<GuestClaim | undefined> {
  return (await readClaim(claimKey(ports.keyPrefix, item.site, item.guest), ports))?.claim
}

/** The claim of this execution, if it (still) has one. */
export async function ownClaim(work: Work, ports: ClaimPorts): Promise<HeldClaim | undefined> {
  const found = await readClaim(claimKey(ports.keyPrefix, work.item.site, work.item.guest), ports)
  return found !== undefined && isOf(found.claim, claimantOf(work)) ? found : undefined
}

/**
 * Say that this execution is alive. Called before each longer stretch of work, by any number of its functions at once.
 * @throws GuestBusy when the claim lapsed and another has the guest now: this execution has to leave everything as it is
 */
export async function renewClaim(work: Work, ports: ClaimPorts): Promise<void> {
  // The second look is for the loser of two functions that renewed at the same moment.
  for (let look = 1; look <= 2; look++) {
    const { claim, etag } = await takeClaim(work, ports)
    if (ports.now().getTime() - Date.parse(claim.renewedAt) < RENEW_AFTER_SECONDS * 1000) return
    if ((await writeClaim(work, { ...claim, renewedAt: ports.now().toISOString() }, etag, ports)) !== undefined) return
  }
}

/** Write a change of a claim that this execution holds; every change renews it. @throws GuestBusy when it was taken over */
export async function changeClaim(
  work: Work,
  held: HeldClaim,
  change: Partial<Omit<GuestClaim, 'version' | 'renewedAt'>>,
  ports: ClaimPorts,
): Promise<HeldClaim> {
  const claim = { ...held.claim, ...change, renewedAt: ports.now().toISOString() }
  const etag = await writeClaim(work, claim, held.etag, ports)
  if (etag !== undefined) return { claim, etag }
  const key = claimKey(ports.keyPrefix, work.item.site, work.item.guest)
  const winner = await readClaim(key, ports)
  throw busy(work, winner?.claim, ports, key)
}

/**
 * Stop being in the way of other runs. With `keepJob` the claim goes on naming the job, so that repeating this guest
 * under the same run goes on with it; without, repeating starts a new backup.
 */
export async function releaseClaim(work: Work, held: HeldClaim, keepJob: boolean, ports: ClaimPorts): Promise<void> {
  const blank = { ...newClaim(claimantOf(work), ports.now()), knownJobRefs: held.claim.knownJobRefs }
  await changeClaim(work, keepJob ? held : { claim: blank, etag: held.etag }, { released: true }, ports)
}

function writeClaim(
  { item }: Work,
  claim: GuestClaim,
  etag: string,
  { store, keyPrefix }: ClaimPorts,
): Promise<string | undefined> {
  const key = claimKey(keyPrefix, item.site, item.guest)
  return store.writeText(key, JSON.stringify(claim), { contentType: 'application/json', onlyIf: { etag } })
}

async function readClaim(key: string, ports: ClaimPorts): Promise<HeldClaim | undefined> {
  const found = await ports.store.readText(key)
  if (found === undefined) return undefined
  const parsed = guestClaimSchema.safeParse(safeJson(found.text))
  if (!parsed.success) {
    throw new InternalFault(`The claim s3://${ports.store.bucket}/${key} is unreadable. Remove it and run again.`)
  }
  return { claim: parsed.data, etag: found.etag }
}

function safeJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function busy({ item }: Work, claim: GuestClaim | undefined, { store }: ClaimPorts, key: string): GuestBusy {
  const who =
    claim === undefined
      ? 'another run'
      : claim.runId === item.run.id
        ? `another execution of the same run (${claim.execution})`
        : `run ${claim.runId}`
  const until = claim === undefined ? '' : ` until ${lapsesAt(claim).toISOString()} unless it renews`
  return new GuestBusy(
    `Site ${item.site}: guest ${item.guest.id} is being backed up by ${who}, which holds it${until}. ` +
      `If that one is dead, wait until then, or remove s3://${store.bucket}/${key}.`,
  )
}

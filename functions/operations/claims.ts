import { GuestBusy, InternalFault } from '../contracts/errors.ts'
import type { PlanItem } from '../contracts/tasks.ts'
import { type GuestClaim, guestClaimSchema, lapsesAt, newClaim, standsAgainst } from '../domain/guest-claim.ts'
import { claimKey } from '../domain/object-keys.ts'
import type { Ports } from './ports.ts'

type ClaimPorts = Pick<Ports, 'store' | 'keyPrefix' | 'now'>

/** A claim that this run holds, with the tag that its next conditional write needs. */
export interface HeldClaim {
  claim: GuestClaim
  etag: string
}

/**
 * Take the guest for this run, or find the claim that this run took earlier.
 * @throws GuestBusy while another run's claim stands
 */
export async function takeClaim(item: PlanItem, ports: ClaimPorts): Promise<HeldClaim> {
  const key = claimKey(ports.keyPrefix, item.site, item.guest)
  const found = await readClaim(key, ports)
  if (found !== undefined && standsAgainst(found.claim, item.run.id, ports.now())) {
    throw busy(item, found.claim, ports.store.bucket, key)
  }
  if (found !== undefined && found.claim.runId === item.run.id) {
    return found.claim.released ? changeClaim(item, found, { released: false }, ports) : found
  }
  const claim = newClaim(item.run.id, ports.now())
  const onlyIf = found === undefined ? { absent: true as const } : { etag: found.etag }
  const etag = await ports.store.writeText(key, JSON.stringify(claim), { contentType: 'application/json', onlyIf })
  if (etag !== undefined) return { claim, etag }
  // Another run wrote between our look and our write; its claim is fresh, so it stands.
  const winner = await readClaim(key, ports)
  if (winner?.claim.runId === item.run.id) return winner
  throw busy(item, winner?.claim, ports.store.bucket, key)
}

/** The claim of this run, if it (still) has one. */
export async function ownClaim(item: PlanItem, ports: ClaimPorts): Promise<HeldClaim | undefined> {
  const found = await readClaim(claimKey(ports.keyPrefix, item.site, item.guest), ports)
  return found?.claim.runId === item.run.id ? found : undefined
}

/** Write a change of a claim that this run holds; every change renews it. @throws GuestBusy when it was taken over */
export async function changeClaim(
  item: PlanItem,
  held: HeldClaim,
  change: Partial<Omit<GuestClaim, 'version' | 'runId' | 'renewedAt'>>,
  ports: ClaimPorts,
): Promise<HeldClaim> {
  const key = claimKey(ports.keyPrefix, item.site, item.guest)
  const claim = { ...held.claim, ...change, renewedAt: ports.now().toISOString() }
  const onlyIf = { etag: held.etag }
  const etag = await ports.store.writeText(key, JSON.stringify(claim), { contentType: 'application/json', onlyIf })
  if (etag !== undefined) return { claim, etag }
  const winner = await readClaim(key, ports)
  throw busy(item, winner?.claim, ports.store.bucket, key)
}

/**
 * Stop being in the way of other runs. With `keepJob` the claim goes on naming the job, so that repeating this guest
 * under the same run goes on with it; without, repeating starts a new backup.
 */
export async function releaseClaim(
  item: PlanItem,
  held: HeldClaim,
  keepJob: boolean,
  ports: ClaimPorts,
): Promise<void> {
  const blank = { ...newClaim(item.run.id, ports.now()), knownJobRefs: held.claim.knownJobRefs }
  await changeClaim(item, keepJob ? held : { claim: blank, etag: held.etag }, { released: true }, ports)
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

function busy(item: PlanItem, claim: GuestClaim | undefined, bucket: string, key: string): GuestBusy {
  const who = claim === undefined ? 'another run' : `run ${claim.runId}`
  const until = claim === undefined ? '' : ` until ${lapsesAt(claim).toISOString()} unless it renews`
  return new GuestBusy(
    `Site ${item.site}: guest ${item.guest.id} is being backed up by ${who}, which holds it${until}. ` +
      `If that run is dead, wait until then, or remove s3://${bucket}/${key}.`,
  )
}

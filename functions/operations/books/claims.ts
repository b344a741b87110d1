import { GuestBusy } from '../../contracts/errors.ts'
import type { PlanItem } from '../../contracts/plan-item.ts'
import {
  type Claimant,
  type GuestClaim,
  isOf,
  lapsesAt,
  newClaim,
  RENEW_AFTER_SECONDS,
  standsAgainst,
  succeedingClaim,
} from '../../domain/backup/guest-claim.ts'
import { claimKey } from '../../domain/books/object-keys.ts'
import { claimShape } from './shapes.ts'
import { holdRecord, writeRecord } from './stored-json.ts'
import type { Ports } from '../ports.ts'

type ClaimPorts = Pick<Ports, 'store' | 'keyPrefix' | 'now' | 'localProcess'>

/** Whose work it is: an item of a run's plan, and the execution that does it. */
export interface ClaimedWork {
  item: PlanItem
  execution: string
}

/** A claim that this execution holds, with the tag that its next conditional write needs. */
export interface HeldClaim {
  claim: GuestClaim
  etag: string
}

function claimantOf({ item: { run }, execution }: ClaimedWork, { localProcess }: Partial<ClaimPorts> = {}): Claimant {
  const local = localProcess === undefined ? {} : { local: { process: localProcess, runStartedAt: run.startedAt } }
  return { runId: run.id, execution, ...local }
}

/**
 * Take the guest for this execution, or find the claim that it took earlier. The claim of a dead execution of the same
 * run is taken over with the job that it names, so that its work goes on; so is another run's that ended without blame on
 * the bytes.
 * @throws GuestBusy while another's claim stands
 */
export async function takeClaim(work: ClaimedWork, ports: ClaimPorts): Promise<HeldClaim> {
  const { item } = work
  const key = claimKey(ports.keyPrefix, item.site, item.guest)
  const found = await readClaim(key, ports)
  if (found !== undefined && standsAgainst(found.claim, claimantOf(work), ports.now())) {
    throw busy(work, found.claim, ports, key)
  }
  if (found?.claim.runId === item.run.id) {
    const held = isOf(found.claim, claimantOf(work)) && !found.claim.released
    if (held) return found
    const { local: _dead, ...claim } = found.claim
    const taken = { ...claimantOf(work, ports), released: false }
    return changeClaim(work, { claim, etag: found.etag }, taken, ports)
  }
  const claim = succeedingClaim(found?.claim, claimantOf(work, ports), ports.now())
  const onlyIf = found === undefined ? { absent: true as const } : { etag: found.etag }
  const etag = await writeRecord(ports.store, key, claimShape, claim, { onlyIf, held: true })
  if (etag !== undefined) return { claim, etag }
  // Another execution wrote between our look and our write; its claim is fresh, so it stands.
  const winner = await readClaim(key, ports)
  if (winner !== undefined && isOf(winner.claim, claimantOf(work))) return winner
  throw busy(work, winner?.claim, ports, key)
}

/** The claim on the item's guest, no matter whose it is. */
export async function claimOn(item: PlanItem, ports: ClaimPorts): Promise<GuestClaim | undefined> {
  return (await readClaim(claimKey(ports.keyPrefix, item.site, item.guest), ports))?.claim
}

/** The claim of this execution, if it (still) has one. */
export async function ownClaim(work: ClaimedWork, ports: ClaimPorts): Promise<HeldClaim | undefined> {
  const found = await readClaim(claimKey(ports.keyPrefix, work.item.site, work.item.guest), ports)
  return found !== undefined && isOf(found.claim, claimantOf(work)) ? found : undefined
}

/**
 * Say that this execution is alive. Called before each longer stretch of work, by any number of its functions at once.
 * @throws GuestBusy when the claim lapsed and another has the guest now: this execution has to leave everything as it is
 */
export async function renewClaim(work: ClaimedWork, ports: ClaimPorts): Promise<void> {
  // The second look is for the loser of two functions that renewed at the same moment.
  for (let look = 1; look <= 2; look++) {
    const { claim, etag } = await takeClaim(work, ports)
    if (ports.now().getTime() - Date.parse(claim.renewedAt) < RENEW_AFTER_SECONDS * 1000) return
    if ((await writeClaim(work, { ...claim, renewedAt: ports.now().toISOString() }, etag, ports)) !== undefined) return
  }
}

/** Write a change of a claim that this execution holds; every change renews it. @throws GuestBusy when it was taken over */
export async function changeClaim(
  work: ClaimedWork,
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
 * - `done`: its archive is committed. Repeating the guest under the same run finds the job and its archive.
 * - `keep`: anyone who repeats the guest, in this run or another, goes on with the job.
 * - `drop`: anyone who repeats it starts a new backup, in this run, too.
 */
export type JobEnding = 'done' | 'keep' | 'drop'

/** Stop being in the way of other runs. */
export async function releaseClaim(
  work: ClaimedWork,
  held: HeldClaim,
  job: JobEnding,
  ports: ClaimPorts,
): Promise<void> {
  const { keptSince, ...claim } = held.claim
  const blank = { ...newClaim(claimantOf(work, ports), ports.now()), knownJobRefs: claim.knownJobRefs }
  // The first failure counts: going on in vain, again and again, has an end.
  const kept = { ...claim, keptSince: keptSince ?? ports.now().toISOString() }
  const left: GuestClaim = { done: claim, keep: kept, drop: blank }[job]
  await changeClaim(work, { claim: left, etag: held.etag }, { released: true }, ports)
}

/** The job that the claim names yields no archive any more: begin anew. @throws GuestBusy */
export function forgetJob(work: ClaimedWork, held: HeldClaim, ports: ClaimPorts): Promise<HeldClaim> {
  return changeClaim(work, { claim: newClaim(claimantOf(work, ports), ports.now()), etag: held.etag }, {}, ports)
}

function writeClaim(
  { item }: ClaimedWork,
  claim: GuestClaim,
  etag: string,
  { store, keyPrefix }: ClaimPorts,
): Promise<string | undefined> {
  const key = claimKey(keyPrefix, item.site, item.guest)
  return writeRecord(store, key, claimShape, claim, { onlyIf: { etag }, held: true })
}

async function readClaim(key: string, ports: ClaimPorts): Promise<HeldClaim | undefined> {
  const found = await holdRecord(ports.store, key, claimShape)
  return found === undefined ? undefined : { claim: found.value, etag: found.etag }
}

function busy({ item }: ClaimedWork, claim: GuestClaim | undefined, { store }: ClaimPorts, key: string): GuestBusy {
  const who =
    claim === undefined
      ? 'another run'
      : claim.runId === item.run.id
        ? `another execution of the same run (${claim.execution})`
        : `run ${claim.runId}${claim.local === undefined ? '' : placeOf(claim.local)}`
  const until = claim === undefined ? '' : ` until ${lapsesAt(claim).toISOString()} unless it renews`
  return new GuestBusy(
    `Site ${item.site}: guest ${item.guest.id} is being backed up by ${who}, which holds it${until}. ` +
      `If that one is dead, wait until then, or remove s3://${store.bucket}/${key}.`,
  )
}

function placeOf({ process: { host, pid } }: NonNullable<GuestClaim['local']>): string {
  return ` (process ${pid} on ${host})`
}

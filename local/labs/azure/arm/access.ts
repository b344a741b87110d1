/** beginGetAccess and endGetAccess: shared access signatures of disks, snapshots and disks of restore points. */
import { badRequest, notAllowed, Refusal } from '../errors.ts'
import type { Exported, Json, LabState, Right, World } from '../world.ts'
import type { ArmAnswer, ArmCall } from './call.ts'
import { accepted, begin } from './operations.ts'

/** 60 days: no signature lives longer. */
const LONGEST_SECONDS = 60 * 86_400

export const isAlive = (world: World, { access }: Exported): boolean =>
  access !== undefined && access.expires.getTime() > world.now().getTime()

/** The URL that is the secret. */
export function sasOf(state: LabState, { access }: Exported): string | undefined {
  if (access === undefined) return undefined
  const { path, si, sig } = access
  return `${state.url}${path}?sv=2018-03-28&sr=b&si=${si}&sig=${encodeURIComponent(sig)}`
}

/** @throws Refusal where the bytes may not or can't be read yet */
function needExportable({ networkAccessPolicy, publicNetworkAccess, completionPercent }: Exported): void {
  if (networkAccessPolicy !== 'AllowAll' || publicNetworkAccess === 'Disabled')
    throw new Refusal(409, 'Conflict', "The disk's network access policy does not allow export.")
  if (completionPercent < 100)
    throw notAllowed(`The background copy is not complete (${completionPercent} percent). Try again when it is.`)
}

function askedFor(body: Json): { right: Right; seconds: number } {
  const { access: right, durationInSeconds: seconds } = body
  if (right !== 'Read' && right !== 'Write') throw badRequest("The value of parameter 'access' is invalid.")
  if (typeof seconds !== 'number' || !Number.isInteger(seconds) || seconds <= 0 || seconds > LONGEST_SECONDS)
    throw badRequest("The value of parameter 'durationInSeconds' is invalid.")
  return { right, seconds }
}

function give(world: World, of: Exported, right: Right, seconds: number): void {
  const expires = new Date(world.now().getTime() + seconds * 1000)
  // The same URL with more time, as long as it lives.
  if (of.access !== undefined && isAlive(world, of) && of.access.right === right) {
    of.access.expires = new Date(Math.max(expires.getTime(), of.access.expires.getTime()))
    return
  }
  const path = `/md-${world.newGuid().replaceAll('-', '').slice(0, 12)}/abcd`
  of.access = { right, path, si: world.newGuid(), sig: world.newSecret(32), expires }
}

/** @param begun what a resource changes on itself, for the right that was asked */
export function beginAccess(call: ArmCall, of: Exported, location: string, begun?: (right: Right) => void): ArmAnswer {
  const { right, seconds } = askedFor(call.body)
  needExportable(of)
  begun?.(right)
  const secure = call.body['getSecureVMGuestStateSAS'] === true
  const output = (): Json => ({
    accessSAS: sasOf(call.state, of),
    ...(secure ? { securityDataAccessSAS: sasOf(call.state, of) } : {}),
  })
  const operation = begin(call, { about: of.id, location, done: () => give(call.world, of, right, seconds), output })
  return accepted(call, operation)
}

export function endAccess(call: ArmCall, of: Exported, location: string, ended?: () => void): ArmAnswer {
  const done = (): void => {
    delete of.access
    ended?.()
  }
  return accepted(call, begin(call, { about: of.id, location, done }))
}

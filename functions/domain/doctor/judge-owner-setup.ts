/** What an existing bucket lacks of what its owner has to set: a stack of ours may not. Pure. */
import { REPEAT_WINDOW_DAYS } from '../../contracts/sweep.ts'
import { type WriteGuard, writtenOnce } from '../books/bucket-guards.ts'
import type { OwnerSettings } from './bucket-settings.ts'
import { type Finding, failed, passed, unchecked, warning } from './finding.ts'

export interface ExistingBucket {
  name: string
  keyPrefix: string
  /** The account that owns it, where it isn't the deployment's. */
  foreignOwner?: string | undefined
  sendsAcl: boolean
  /** The deployment's name. */
  deployment: string
}

const commandsFor = ({ deployment }: ExistingBucket): string =>
  `For the commands: guestlift doctor --deployment ${deployment} --for-owner.`

export function ownerFindings(settings: OwnerSettings, bucket: ExistingBucket): Finding[] {
  return [rulesFinding(settings, bucket), ...ownershipFinding(settings, bucket), policyFinding(settings, bucket)]
}

function rulesFinding({ rules }: OwnerSettings, bucket: ExistingBucket): Finding {
  if ('unknown' in rules) return unchecked('rules', rules.unknown)
  const archives = `${bucket.keyPrefix}archives/`
  const covering = rules.value.filter(({ prefix }) => archives.startsWith(prefix) || prefix.startsWith(archives))
  const remover = covering.find(({ removes }) => removes)
  if (remover !== undefined) {
    const message = `The rule ${remover.id} removes archives by their age. Have the owner take it away from ${archives}, and prune with a retention.`
    return failed('rules', { name: 'LifecycleRemovesArchives', message })
  }
  const ending = covering.filter(({ prefix, isLimited }) => archives.startsWith(prefix) && !isLimited)
  const days = ending.flatMap(({ abandonedUploadDays }) => abandonedUploadDays ?? [])
  if (days.length === 0) {
    return warning(
      'rules',
      `No rule ends uploads that nobody completes below ${archives}, and their parts cost as much as archives. ${commandsFor(bucket)}`,
    )
  }
  const soonest = Math.min(...days)
  if (soonest <= REPEAT_WINDOW_DAYS) {
    return warning(
      'rules',
      `A rule drops parts of uploads after ${soonest} days, and a failed guest can be repeated for ${REPEAT_WINDOW_DAYS}: it would be sent again. ${commandsFor(bucket)}`,
    )
  }
  return passed('rules', `uploads that nobody completes end after ${soonest} days, and no rule removes archives`)
}

/** What one account writes to a bucket of another may not belong to the bucket's owner. */
function ownershipFinding({ ownership }: OwnerSettings, bucket: ExistingBucket): Finding[] {
  if (bucket.foreignOwner === undefined) return []
  if ('unknown' in ownership) return [unchecked('ownership', ownership.unknown)]
  if (ownership.value === 'BucketOwnerEnforced') return [passed('ownership', "objects are the bucket owner's")]
  if (!bucket.sendsAcl) {
    const message =
      `ACLs are on, so what this account writes would be its own, and ${bucket.foreignOwner} could not read it. ` +
      `Have the owner switch ACLs off, or set bucket.existing.objectAcl. ${commandsFor(bucket)}`
    return [failed('ownership', { name: 'ObjectsOfTheWriter', message })]
  }
  return [passed('ownership', 'ACLs are on, and objects are sent with bucket-owner-full-control')]
}

function policyFinding({ policy }: OwnerSettings, bucket: ExistingBucket): Finding {
  if ('unknown' in policy) {
    const why = bucket.foreignOwner === undefined ? policy.unknown : 'Only the owner can read the policy.'
    return unchecked('policy', `${why} ${commandsFor(bucket)}`)
  }
  const statements = statementsIn(policy.value)
  const missing = writtenOnce(bucket.keyPrefix).filter(
    (guard) => !statements.some((one) => isGuard(one, guard, bucket)),
  )
  return missing.length === 0
    ? passed('policy', 'archives are written once')
    : warning('policy', `Nothing in the policy keeps archives from being overwritten. ${commandsFor(bucket)}`)
}

/** As S3 hands a statement back: a list of one may have become a text. */
function isGuard(one: Record<string, unknown>, guard: WriteGuard, { name }: ExistingBucket): boolean {
  const { keys, keysBut, conditions } = guard
  const listed = (field: string) => [one[field] ?? []].flat()
  const arns = (of: readonly string[]) => of.map((key) => `arn:aws:s3:::${name}/${key}`)
  return (
    one['Effect'] === 'Deny' &&
    ['"*"', '{"AWS":"*"}'].includes(JSON.stringify(one['Principal'])) &&
    listed('Action').includes('s3:PutObject') &&
    JSON.stringify(one['Condition']) === JSON.stringify(conditions) &&
    (keys === undefined || arns(keys).every((arn) => listed('Resource').includes(arn))) &&
    (keysBut === undefined || equalSets(listed('NotResource'), arns(keysBut)))
  )
}

function equalSets(some: readonly unknown[], others: readonly unknown[]): boolean {
  return some.length === others.length && some.every((one) => others.includes(one))
}

function statementsIn(policy: string | undefined): Record<string, unknown>[] {
  if (policy === undefined) return []
  try {
    const { Statement } = JSON.parse(policy) as { Statement?: unknown }
    return [Statement].flat().filter((one): one is Record<string, unknown> => typeof one === 'object' && one !== null)
  } catch {
    return []
  }
}

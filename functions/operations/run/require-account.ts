import { PrivilegeMissing } from '../../contracts/errors.ts'
import type { Job } from '../../contracts/job.ts'
import type { Provider } from '../../providers/provider.ts'
import type { MissingPrivilege } from '../../providers/intended-work.ts'
import { intendedWork } from '../selection/intended-work.ts'
import { requireKnownKeys, requireKnownOptions } from '../selection/require-known-keys.ts'

/** What is asked of a provider about the account. */
export type Witness = Pick<
  Provider,
  'platform' | 'selectionKeys' | 'optionKeys' | 'identify' | 'requireOptions' | 'missingPrivileges'
>

/** Log in to the job's site, and say who answers. Nothing is sent for a job that means nothing on its platform. */
export async function logIn(job: Job, provider: Witness): Promise<{ version: string }> {
  requireKnownKeys(job.site, job.guests, provider)
  requireKnownOptions(job.site, job.backup, provider)
  return provider.identify()
}

/**
 * May the account do the job's work, and does the site know the job's options?
 * @throws PrivilegeMissing naming each privilege and its path; RequestRejected
 */
export async function requirePrivileges(job: Job, provider: Witness): Promise<void> {
  await provider.requireOptions(job.backup)
  const missing = await provider.missingPrivileges(intendedWork(job))
  if (missing.length > 0) throw lacking(job.site, missing)
}

function lacking(site: string, missing: readonly MissingPrivilege[]): PrivilegeMissing {
  return new PrivilegeMissing(
    `Site ${site}: the account lacks ${privilegeList(missing)}. Grant it there; an API token with privilege separation needs its own entry.`,
  )
}

/** Each once, with its path. */
export function privilegeList(missing: readonly MissingPrivilege[]): string {
  const each = missing.map(
    ({ privilege, path, neededBy }) => `${privilege} on ${path}${neededBy === undefined ? '' : ` (${neededBy})`}`,
  )
  return [...new Set(each)].join(', ')
}

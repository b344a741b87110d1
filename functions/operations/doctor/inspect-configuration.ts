import type { Job } from '../../contracts/job.ts'
import { type Finding, passed, warning } from '../../domain/doctor/finding.ts'
import { counted } from '../../domain/words/counted.ts'
import type { Provider } from '../../providers/provider.ts'
import { requireConfiguration } from '../configuration/require-configuration.ts'

/**
 * What a run of the job could keep of how the site is set up; nothing where the job doesn't ask for it.
 * @throws RequestRejected on a platform that says nothing of it
 */
export async function inspectConfiguration(
  { siteConfiguration }: Pick<Job, 'siteConfiguration'>,
  provider: Provider,
): Promise<Finding[]> {
  if (siteConfiguration !== true) return []
  const parts = await requireConfiguration(provider).read()
  const lacks = parts.flatMap(({ part, what, incomplete }) =>
    incomplete === undefined ? [] : [warning('configuration', `${what}: ${incomplete}`, part)],
  )
  return lacks.length > 0 ? lacks : [passed('configuration', `${counted(parts.length, 'part')}, all of them whole`)]
}

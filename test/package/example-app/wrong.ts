/** The types refuse what the schema would: each line is one mistake, and the compiler complains of a line without one. */
import type { DeploymentConfig } from 'guestlift'

export const mistakes: DeploymentConfig[] = [
  // @ts-expect-error -- it is called `sites`
  { name: 'production', site: ['hq'] },
  // @ts-expect-error -- CloudWatch knows no 91 days
  { name: 'production', sites: ['hq'], logRetentionDays: 91 },
  // @ts-expect-error -- no such mode
  { name: 'production', sites: ['hq'], bucket: { objectLock: { mode: 'strict', days: 1 } } },
]

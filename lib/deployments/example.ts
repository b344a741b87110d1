import type { DeploymentConfig } from '../deployment-config.ts'

/**
 * A deployment to copy: `cp lib/deployments/example.ts lib/deployments/production.ts`, then `cdk deploy --all -c deployment=production`.
 * `lib/deployment-config.ts` documents every field.
 */
export const deployment: DeploymentConfig = {
  name: 'example',

  // One secret per site, `guestlift/site/hq` here, holds its address and credentials. Nothing of that belongs in this file.
  sites: ['hq'],
  defaultSite: 'hq',

  // The bucket outlives the stack. `name` and `objectLock` can't be changed later without a new bucket.
  bucket: { abandonedUploadDays: 16 },

  logRetentionDays: 90,
  notificationEmails: [],

  schedules: [
    {
      name: 'nightly',
      expression: 'cron(0 2 * * ? *)',
      timezone: 'Europe/Berlin',
      job: { site: 'hq', guests: { vmids: [100, 101] }, backup: { mode: 'snapshot', storage: 'local' } },
      // Switched off until the site's secret is in place.
      enabled: false,
    },
  ],

  // Archives are read back whole by this policy. `runner: 'none'` makes no project in CodeBuild for the large ones.
  verification: { archiveWithinDays: 90, guestWithinDays: 31 },

  // A function of one CPU moves 60 to 70 MB/s.
  transfer: { memoryMiB: 1769 },
}

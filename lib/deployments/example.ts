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
  bucket: { abandonedUploadDays: 30 },

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

  // For all archives of a site, also those of guests that no schedule archives any more. Look first at what would go:
  // npx guestlift prune --bucket <bucket> --site hq --keep-last 7 --keep-weekly 8 --keep-monthly 12
  retention: [{ site: 'hq', retention: { 'keep-last': 7, 'keep-weekly': 8, 'keep-monthly': 12 }, enabled: false }],

  // Judges every six hours whether each guest has a young archive, with an alarm. Switched off until the secret is in place.
  coverage: { enabled: false },

  // Archives are read back whole by this policy. `runner: 'none'` makes no project in CodeBuild for the large ones.
  verification: { archiveWithinDays: 90, guestWithinDays: 31 },

  // A function of one CPU moves 60 to 70 MB/s.
  transfer: { memoryMiB: 1769 },
}

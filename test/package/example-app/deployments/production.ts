import type { DeploymentConfig } from 'guestlift'

/** The command line reads it by its name too: `npx guestlift plan job.json --deployment production`. */
export const deployment: DeploymentConfig = {
  name: 'production',
  sites: ['hq'],
  bucket: { keyPrefix: 'guests/' },
  notificationEmails: ['ops@example.com'],
  schedules: [
    {
      name: 'nightly',
      expression: 'cron(0 2 * * ? *)',
      job: { site: 'hq', guests: { all: true }, backup: { mode: 'snapshot', storage: 'local' } },
    },
  ],
}

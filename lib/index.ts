/** What other CDK apps import: `public-types.ts` says of what type it is to them. */
export { DeploymentConfigError } from './deployment-config.ts'
export { Guestlift } from './guestlift.ts'
export { GuestliftStorage } from './guestlift-storage.ts'

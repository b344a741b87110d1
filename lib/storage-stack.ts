import { Stack } from 'aws-cdk-lib'
import type { Construct } from 'constructs'
import { type Deployment, environmentOf } from './deployment-config.ts'
import { GuestliftStorage } from './guestlift-storage.ts'

/** What has to survive everything else: the archives. Apart from the export stack, which can be torn down and made anew. */
export class StorageStack extends Stack {
  constructor(app: Construct, deployment: Deployment) {
    super(app, `guestlift-${deployment.name}-storage`, {
      description: `Guestlift ${deployment.name}: the archive bucket`,
      terminationProtection: true,
      suppressTemplateIndentation: true,
      tags: deployment.tags,
      ...environmentOf(deployment),
    })
    // CDK leaves this id out of logical ids, so they are those of the time before there was a construct.
    new GuestliftStorage(this, 'Default', deployment)
  }
}

import { Stack } from 'aws-cdk-lib'
import type { Construct } from 'constructs'
import { placeOf } from './archive-place.ts'
import { type Deployment, environmentOf } from './deployment-config.ts'
import { Guestlift, type Platforms } from './guestlift.ts'

/** A stack that holds everything that moves archives. */
export class ExportStack extends Stack {
  /** @param platforms other branches and another registry than the product's own */
  constructor(app: Construct, deployment: Deployment, platforms: Platforms = {}) {
    super(app, `guestlift-${deployment.name}-export`, {
      description: `Guestlift ${deployment.name}: archives guests into Amazon S3`,
      // CloudFormation counts a template's bytes: without indentation they are a third fewer.
      suppressTemplateIndentation: true,
      tags: deployment.tags,
      ...environmentOf(deployment),
    })
    // CDK leaves this id out of logical ids, so they are those of the time before there was a construct.
    new Guestlift(this, 'Default', { ...deployment, storage: placeOf(deployment) }, platforms)
  }
}

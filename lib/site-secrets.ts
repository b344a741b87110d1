import type { IGrantable } from 'aws-cdk-lib/aws-iam'
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager'
import { Construct } from 'constructs'

/**
 * The sites' secrets, by name. The operator creates each one from the same file that a local run takes:
 *
 *     aws secretsmanager create-secret --name guestlift/site/hq --secret-string file://site.json
 *
 * and changes it with `put-secret-value`. They aren't made here: a template is no place for credentials, a placeholder
 * would pass for a configured site, and a retained secret would block the next deployment by its name.
 * `functions/providers/<platform>/config.ts` holds the strict schema of the content.
 */
export class SiteSecrets extends Construct {
  private readonly secrets: readonly ISecret[]

  /** @param prefix in front of the site's name in the secret's name, as `guestlift/site/` */
  constructor(scope: Construct, id: string, prefix: string, sites: readonly string[]) {
    super(scope, id)
    this.secrets = sites.map((site) => Secret.fromSecretNameV2(this, site, `${prefix}${site}`))
  }

  /** Read the configured sites' secrets, and no others. */
  grantRead(grantee: IGrantable): void {
    for (const secret of this.secrets) secret.grantRead(grantee)
  }
}

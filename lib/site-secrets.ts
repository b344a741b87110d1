import { ArnFormat, Stack, Validations } from 'aws-cdk-lib'
import { ManagedPolicy, PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam'
import { Construct } from 'constructs'
import { siteSecretName } from '../functions/domain/books/site-secret-name.ts'
import { DeploymentConfigError } from './deployment-config.ts'
import { printed, wildcardFinding } from './rule-findings.ts'

/** Characters of a managed policy, and managed policies of a role (IAM quotas, both as an account begins with). */
const LONGEST_POLICY = 6144
const MOST_POLICIES = 10
/** What a policy holds beside the names of its secrets. */
const AROUND = 200

/**
 * The sites' secrets, by name. The operator creates each one from the same file that a local run takes:
 *
 *     aws secretsmanager create-secret --name guestlift/site/hq --secret-string file://site.json
 *
 * and changes it with `put-secret-value`. Where guests are restored, the account for that lies in a secret of its own,
 * `guestlift/site/hq/restore`. They aren't made here: a template is no place for credentials, a placeholder
 * would pass for a configured site, and a retained secret would block the next deployment by its name.
 * `functions/providers/<platform>/config.ts` holds the strict schema of the content.
 *
 * What reads one site reads each: who may do so is said once, in policies that the functions share. A statement in each
 * function's own policy would make a template of sites times functions.
 */
export class SiteSecrets extends Construct {
  private readonly prefix: string
  private readonly sites: readonly string[]
  private readonly policies: readonly ManagedPolicy[]
  private restorePolicies: readonly ManagedPolicy[] | undefined

  /**
   * @param prefix in front of the site's name in the secret's name, as `guestlift/site/`
   * @throws DeploymentConfigError when their names don't fit what a role may hold
   */
  constructor(scope: Construct, id: string, prefix: string, sites: readonly string[]) {
    super(scope, id)
    this.prefix = prefix
    this.sites = sites
    this.policies = this.policiesFor('Read', (site) => namesOf(siteSecretName(prefix, site, 'backup')))
  }

  /** Read the configured sites' secrets, and no others: not those for restores. */
  grantRead(role: Role): void {
    for (const policy of this.policies) role.addManagedPolicy(policy)
  }

  /** Read the configured sites' secrets for restores, and no others. A deployment that restores nothing has no such policy. */
  grantReadRestore(role: Role): void {
    this.restorePolicies ??= this.policiesFor('ReadRestore', (site) => [
      // Both names in one, which saves half of a policy's room: no site's name holds a slash, so nothing else begins so.
      `${siteSecretName(this.prefix, site, 'restore')}*`,
    ])
    for (const policy of this.restorePolicies) role.addManagedPolicy(policy)
  }

  private policiesFor(id: string, named: (site: string) => string[]): ManagedPolicy[] {
    const { sites } = this
    const shares = sharesOf(sites.map((site) => ({ site, length: lengthOf(named(site)) })))
    if (shares.length > MOST_POLICIES) {
      throw new DeploymentConfigError(
        `The names of ${sites.length} sites don't fit the ${MOST_POLICIES} policies that IAM allows a function. ` +
          'Shorten `siteSecretPrefix` or the names, or divide the sites between two deployments.',
      )
    }
    return shares.map((share, index) => {
      const resources = share.flatMap((site) => named(site).map((name) => this.arnOf(name)))
      const policy = new ManagedPolicy(this, `${id}${index + 1}`, {
        description: 'Reads the secrets of the sites of Guestlift',
        statements: [new PolicyStatement({ actions: ['secretsmanager:GetSecretValue'], resources })],
      })
      Validations.of(policy).acknowledge(
        ...resources
          .filter((resource) => resource.endsWith('*'))
          .map((resource) => ({
            id: wildcardFinding(printed(this, resource)),
            reason: 'The star stands for the characters that Secrets Manager draws; nothing else begins so.',
          })),
      )
      return policy
    })
  }

  private arnOf(resourceName: string): string {
    const service = 'secretsmanager'
    const arnFormat = ArnFormat.COLON_RESOURCE_NAME
    return Stack.of(this).formatArn({ service, resource: 'secret', arnFormat, resourceName })
  }
}

/**
 * A secret's ARN ends with a dash and six characters that Secrets Manager draws. While there is no such secret, it asks
 * about the bare name: without a right to that, the answer is "access denied" and not "there is none".
 */
function namesOf(secret: string): string[] {
  return [`${secret}-??????`, secret]
}

/** Of these names in a policy, with the longest partition, region and account that there are. */
function lengthOf(names: readonly string[]): number {
  const around = '"arn:aws-us-gov:secretsmanager:ap-southeast-2:123456789012:secret:",'.length
  return names.reduce((sum, name) => sum + around + name.length, 0)
}

/** The sites in their order, as many together as one policy holds. */
function sharesOf(sites: readonly { site: string; length: number }[]): string[][] {
  const shares: string[][] = []
  let room = 0
  for (const { site, length } of sites) {
    if (length > room) {
      shares.push([])
      room = LONGEST_POLICY - AROUND
    }
    shares.at(-1)?.push(site)
    room -= length
  }
  return shares
}

/** The synthesised roles for a run of one machine, whose sites and key prefix are its own. */
import type { Statement } from '../iam/policy.ts'
import type { Role } from '../iam/session.ts'

export interface Places {
  bucket: string
  keyPrefix: string
  /** In front of a site's name in its secret's name. */
  secretPrefix: string
}

/** The bucket of a deployment keeps versions. In one that keeps none, to remove the only version is to delete the object. */
const REMOVE_VERSION = 's3:DeleteObjectVersion'
const DELETE_OBJECT = 's3:DeleteObject'

/**
 * A role as a deployment with this run's sites and key prefix would have it: what is granted for one site's secret is
 * granted for each, and what is granted below the deployment's key prefix is granted below the run's.
 * @param deployed places as the synthesised deployment has them
 */
export function ownRole(
  role: Role,
  deployed: Places,
  own: Places & { keepsVersions: boolean },
  sites: readonly string[],
): Role {
  const objects = `arn:aws:s3:::${own.bucket}/`
  const from = `${objects}${deployed.keyPrefix}`
  const place = (resource: string): string[] => {
    if (resource.startsWith(from) && resource !== `${objects}*`)
      return [`${objects}${own.keyPrefix}${resource.slice(from.length)}`]
    const [head = '', name] = resource.split(':secret:')
    if (name === undefined || !name.startsWith(deployed.secretPrefix) || /\*./.test(name)) return [resource]
    // Behind the site's name: what the secret is for, and the characters that Secrets Manager draws.
    const rest = /(\/[a-z]+)?(-\?+|\*)?$/.exec(name.slice(deployed.secretPrefix.length))?.[0] ?? ''
    return sites.map((site) => `${head}:secret:${own.secretPrefix}${site}${rest}`)
  }
  const placed = (statement: Statement): Statement => ({
    ...statement,
    ...(!own.keepsVersions && statement.actions?.includes(REMOVE_VERSION) === true
      ? { actions: [...statement.actions, DELETE_OBJECT] }
      : {}),
    ...(statement.resources && { resources: [...new Set(statement.resources.flatMap(place))] }),
    ...(statement.notResources && { notResources: [...new Set(statement.notResources.flatMap(place))] }),
  })
  return { ...role, identity: role.identity.map(placed), resource: role.resource.map(placed) }
}

/** A simulated account, an embedded S3 and a runner whose functions work with their own roles, judged as on AWS. */
import { join } from 'node:path'
import { type Guard, guardOf } from '../../local/iam/guard.ts'
import { readSession } from '../../local/iam/session.ts'
import { type Ec2Lab, type Ec2LabOptions, startEc2Lab } from '../../local/labs/ec2/lab.ts'
import type { LocalRunner } from '../../local/run/local-runner.ts'
import type { DeploymentConfig } from '../../lib/deployment-config.ts'
import { credentials, openStoreBed, type StoreBed } from './store-bed.ts'
import { synthesiseWith } from './synthesise-with.ts'

export const WEB = 'i-0123456789abcdef0'
/** Another one, with one small disk. */
export const DB = 'i-0fedcba9876543210'

export interface Ec2E2eBed extends StoreBed {
  lab: Ec2Lab
  runner: LocalRunner
  /** Folder of the synthesised app. */
  assembly: string
  /** As a person writes it. Without `auth`, the functions work with their own roles. */
  site: object
}

/** @param site fields of the site besides */
export async function openEc2Bed(
  account: Pick<Ec2LabOptions, 'account' | 'settings' | 'instances'>,
  ec2: NonNullable<DeploymentConfig['ec2']>,
  site: object = {},
): Promise<Ec2E2eBed> {
  const store = await openStoreBed('ec2')
  const guards = new Map<string, Guard>()
  const lab = await startEc2Lab({
    ...account,
    findSession: (accessKeyId, sessionToken) => {
      const session = readSession(sessionToken, credentials.secretAccessKey)
      if (session?.accessKeyId !== accessKeyId) return undefined
      guards.set(session.role.arn, guardOf(session.role, store.onJudgement))
      return { ...session, sessionToken, principal: session.role.arn }
    },
    authorize: ({ principal, action, resource, context }) =>
      guards.get(principal)?.refuses(action, resource, lowerCased(context)) === undefined,
  })
  const endpoints = { ec2: lab.url, ebs: lab.url, sts: lab.url }
  const written = { provider: 'ec2', regions: lab.regions, endpoints, ...site }
  const app = synthesiseWith(join(store.directory, 'app'), { name: 'example', sites: ['aws'], ec2 })
  const runner = await store.openRunner({ aws: written }, app)
  return {
    ...store,
    lab,
    runner,
    site: written,
    close: async () => {
      await store.close()
      await lab.close()
    },
  }
}

/** Written blocks with holes between them. */
export function written(count: number, first = 0): number[] {
  return Array.from({ length: count }, (_, index) => first + index * 3)
}

/** Keys of conditions as the evaluator has them. */
function lowerCased(context: Record<string, string[]>): Record<string, string[]> {
  return Object.fromEntries(Object.entries(context).map(([key, values]) => [key.toLowerCase(), values]))
}

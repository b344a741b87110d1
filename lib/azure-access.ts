import type { Construct } from 'constructs'
import type { Deployment } from './deployment-config.ts'
import { WorkPolicies } from './work-policies.ts'

/** Logging in to Azure with a token of AWS, in the name of a role that Entra trusts. */
export type AzureLogin = WorkPolicies<'log-in'>

/** Without a site that names such a role there are no rights: a client secret is read like any other. */
export function azureLogin(scope: Construct, id: string, sites: Deployment['azure']): AzureLogin {
  const roleArns = [...new Set(sites.map(({ roleArn }) => roleArn))]
  const description = 'Assumes the roles by which Guestlift logs in to Azure'
  const reason = 'A role is named by the deployment.'
  return new WorkPolicies(scope, id, {
    inOwnAccount: false,
    roleArns,
    statements: () => [],
    words: { 'log-in': { id: 'LogIn', description, reason }, assume: { id: 'Assume', description, reason } },
  })
}

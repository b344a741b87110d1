/** What a person does in a subscription before Guestlift may archive its machines: as docs/azure.md has it, and a test compares. */
import { backupActions, POWER_ACTIONS } from './rights.ts'

/** The role that backs up, for `az role definition create`. */
export function backupRole(name: string, subscriptionId: string, withPower = false): object {
  return {
    Name: name,
    Description: 'Archives virtual machines with Guestlift.',
    AssignableScopes: [`/subscriptions/${subscriptionId}`],
    Actions: [...backupActions(), ...(withPower ? POWER_ACTIONS : [])],
  }
}

export const azureSetUp = {
  usualRole: 'Guestlift backup',
  usualGroup: 'guestlift',
  usualApplication: 'guestlift',
  backupRole,
  /** Makes group, role and application, and gives the application the role. Without a secret: see `federationCommands`. */
  commands: (name: string, group: string, location: string, role: object): string[] => [
    `az group create --name ${group} --location ${location}`,
    `az role definition create --role-definition '${JSON.stringify(role)}'`,
    `az ad app create --display-name ${name} --query appId --output tsv`,
  ],
  assignCommands: (clientId: string, subscriptionId: string, roleName: string): string[] => [
    `az ad sp create --id ${clientId}`,
    `az role assignment create --assignee ${clientId} --role '${roleName}' --scope /subscriptions/${subscriptionId}`,
  ],
  secretCommand: (clientId: string): string => `az ad app credential reset --id ${clientId} --append --years 1`,
  /** Lets roles of an AWS account in, without a secret. `issuer` is the account's own, as AWS shows it when it is switched on. */
  federationCommands: (clientId: string, issuer: string, roleArns: readonly string[]): string[] => [
    'aws iam enable-outbound-web-identity-federation',
    ...roleArns.map((arn, index) => {
      const parameters = {
        name: `guestlift-${index + 1}`,
        issuer,
        subject: arn,
        audiences: ['api://AzureADTokenExchange'],
      }
      return `az ad app federated-credential create --id ${clientId} --parameters '${JSON.stringify(parameters)}'`
    }),
  ],
}

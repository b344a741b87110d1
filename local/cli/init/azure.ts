/** Azure's part of `guestlift init`: which subscription, and who we are there. */
import { azureAuthSchema, subscriptionIdSchema } from '../../../functions/contracts/azure-access.ts'
import { setUpOf } from '../../../functions/providers/registry.ts'
import type { Asker } from './asker.ts'
import type { Drafted, PlatformInit } from './platform-init.ts'

const CLIENT_ID = '<appId, as the command above prints it>'
const ISSUER = 'https://<id>.tokens.sts.global.api.aws'
const ROLES = ['arn:aws:iam::111122223333:role/<role of a function>']

export const azureInit: PlatformInit = async (asker, { siteName }) => {
  const {
    backupRole,
    usualRole,
    usualGroup,
    usualApplication,
    commands,
    assignCommands,
    secretCommand,
    federationCommands,
  } = await setUpOf('azure')
  const tenantId = await askForId(asker, '--tenant', 'Id of the Entra tenant')
  const subscriptionId = await askForId(asker, '--subscription', 'Id of the subscription')
  const resourceGroup = await asker.text({
    flag: '--group',
    message: 'Resource group where restore points and snapshots are made',
    usual: usualGroup,
  })
  asker.say('Make the group, a role, and an application that has it:', [
    ...commands(usualApplication, resourceGroup, 'westeurope', backupRole(usualRole, subscriptionId)),
    ...assignCommands(CLIENT_ID, subscriptionId, usualRole),
  ])
  asker.say('Then either make a secret, which ends after a year:', [secretCommand(CLIENT_ID)])
  asker.say(
    "Or let the functions' own AWS roles in, without any secret (one command for each role that docs/azure.md names):",
    federationCommands(CLIENT_ID, ISSUER, ROLES),
  )
  const clientId = await askForId(asker, '--account', 'Id of the application (appId)')
  const clientSecret = await asker.secret({
    flag: '--secret-file',
    message: 'Its secret, or Enter for tokens of AWS in its place',
    usual: '',
  })
  const auth = { clientId, ...(clientSecret === '' ? { federation: 'aws' } : { clientSecret }) }
  const site = {
    provider: 'azure',
    name: siteName,
    tenantId,
    subscriptionId,
    auth: azureAuthSchema.parse(auth),
    resourceGroup,
  }
  return { site, files: [], backup: {} } satisfies Drafted
}

async function askForId(asker: Asker, flag: string, message: string): Promise<string> {
  const answer = await asker.text({
    flag,
    message,
    complaint: (text) =>
      subscriptionIdSchema.safeParse(text).success ? undefined : 'It is a GUID, as Azure shows it.',
  })
  return answer.toLowerCase()
}

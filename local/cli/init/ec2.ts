/** AWS EC2's part of `guestlift init`: which regions, and who we are there. */
import { awsAuthSchema, regionSchema } from '../../../functions/contracts/aws-access.ts'
import { setUpOf } from '../../../functions/providers/registry.ts'
import type { Asker } from './asker.ts'
import type { Drafted, PlatformInit } from './platform-init.ts'

const OWN_ACCOUNT = '111122223333'
const EXTERNAL_ID = 'a-word-that-both-sides-know'

export const ec2Init: PlatformInit = async (asker, { siteName }) => {
  const { roleCommands, usualRole, restoreRoleCommands, usualRestoreRole } = await setUpOf('ec2')
  const regions = await askForRegions(asker)
  asker.say(
    `Make a role in the account whose instances are archived (${OWN_ACCOUNT}: the account that Guestlift runs in):`,
    roleCommands(usualRole, siteName, OWN_ACCOUNT, EXTERNAL_ID),
  )
  asker.say(
    'That role can make nothing. To restore there, make another one, and name it in the site under `restore`, as ' +
      `{"auth":{"roleArn":"arn:aws:iam::444455556666:role/${usualRestoreRole}","externalId":"${EXTERNAL_ID}"}}:`,
    restoreRoleCommands(usualRestoreRole, siteName, OWN_ACCOUNT, EXTERNAL_ID),
  )
  const auth = { ...(await askForKey(asker)), ...(await askForRole(asker)) }
  const site = {
    provider: 'ec2',
    name: siteName,
    regions,
    ...(Object.keys(auth).length === 0 ? {} : { auth }),
  }
  return { site, files: [], backup: {} } satisfies Drafted
}

async function askForRegions(asker: Asker): Promise<string[]> {
  const answer = await asker.text({
    flag: '--region',
    message: 'Region, or several with commas',
    complaint: (text) => {
      const [wrong] = words(text).filter((word) => !regionSchema.safeParse(word).success)
      if (words(text).length === 0) return 'Name a region, as eu-central-1.'
      return wrong === undefined ? undefined : `${wrong} is no region. One has a name like eu-central-1.`
    },
  })
  return words(answer)
}

/** Where the archive bucket is no bucket of AWS, this machine's own credentials are those of the other store. */
async function askForKey(asker: Asker): Promise<Record<string, string>> {
  const accessKeyId = await asker.text({
    flag: '--account',
    message: "Access key id, or Enter for this machine's own AWS credentials (deployed: the functions' own role)",
    usual: '',
  })
  if (accessKeyId === '') return {}
  const secretAccessKey = await asker.secret({ flag: '--secret-file', message: `Secret of ${accessKeyId}` })
  return { accessKeyId, secretAccessKey }
}

async function askForRole(asker: Asker): Promise<Record<string, string>> {
  const roleArn = await asker.text({
    flag: '--role',
    message: 'Role to assume, as its ARN, or Enter for none',
    usual: '',
    complaint: (text) =>
      text === '' || awsAuthSchema.safeParse({ roleArn: text }).success
        ? undefined
        : 'A role has an ARN like arn:aws:iam::111122223333:role/guestlift-backup.',
  })
  if (roleArn === '') return {}
  const externalId = await asker.text({
    flag: '--external-id',
    message: 'External id that its trust policy asks for, or Enter for none',
    usual: '',
  })
  return externalId === '' ? { roleArn } : { roleArn, externalId }
}

function words(text: string): string[] {
  return text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '')
}

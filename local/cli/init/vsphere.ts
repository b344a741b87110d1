/** VMware vSphere's part of `guestlift init`: which vCenter, and who we are there. */
import { setUpOf } from '../../../functions/providers/registry.ts'
import type { Asker } from './asker.ts'
import type { Drafted, PlatformInit, Surroundings } from './platform-init.ts'
import { apiAddress, certificateIn } from './tls-identity.ts'

const API_PORT = 443
const USUAL_ACCOUNT = 'guestlift@vsphere.local'

export const vsphereInit: PlatformInit = async (asker, surroundings) => {
  const { roleCommands, usualRole, warning, restoreRoleCommands, usualRestoreRole, usualRestoreAccount } =
    await setUpOf('vsphere')
  const { address, tls } = await asker.untilUsable('--address', () => askForAddress(asker, surroundings))
  asker.say(
    'Make a role and give it to the account (without the rights of clones, where none are made):',
    roleCommands(usualRole, USUAL_ACCOUNT, true),
  )
  asker.say(warning)
  asker.say(
    'That role can make no guest. To restore there, make another one, and name its account in the site under `restore`, as ' +
      `{"auth":{"username":"${usualRestoreAccount}","password":"…"}} (without PowerOn, where no guest is started):`,
    restoreRoleCommands(usualRestoreRole, usualRestoreAccount),
  )
  const username = await asker.text({ flag: '--account', message: 'User, as user@vsphere.local', usual: USUAL_ACCOUNT })
  const password = await asker.secret({ flag: '--secret-file', message: `Password of ${username}` })
  const site = {
    provider: 'vsphere',
    name: surroundings.siteName,
    endpoint: address.origin,
    tls,
    auth: { username, password },
  }
  return { site, files: [], backup: {} } satisfies Drafted
}

async function askForAddress(asker: Asker, { expectedFingerprints }: Surroundings) {
  const text = await asker.text({
    flag: '--address',
    message: 'Address of the vCenter or of the ESXi host',
    complaint: (typed) =>
      apiAddress(typed, API_PORT) === undefined ? 'It is a name or address, as vcenter.example.com.' : undefined,
  })
  const address = apiAddress(text, API_PORT) ?? new URL(text)
  const compare = 'openssl x509 -noout -fingerprint -sha256 -in /etc/vmware-vpx/ssl/rui.crt'
  return { address, tls: await certificateIn([address], asker, expectedFingerprints, compare) }
}

/** What a person runs on a node so that Guestlift may log in: as docs/proxmox-setup.md has it, and a test compares both. */
import type { SetUp, SshRouteType } from '../set-up.ts'

/** Role, user, token and rights: once for the cluster. */
function accountCommands(tokenId: string, storage: string): string[] {
  const [user = '', token = ''] = tokenId.split('!')
  return [
    'pveum role add GuestliftBackup --privs "VM.Audit VM.Backup Datastore.Audit Datastore.AllocateSpace Pool.Audit"',
    `pveum user add ${user}`,
    `pveum user token add ${user} ${token} --privsep 1          # prints the secret once`,
    `for path in /vms /storage/${storage}; do                            # the storage that receives the dumps`,
    `  pveum acl modify $path --users ${user} --roles GuestliftBackup`,
    `  pveum acl modify $path --tokens '${tokenId}' --roles GuestliftBackup`,
    'done',
  ]
}

/** The account that the bytes come over: on each node. */
function routeCommands(type: SshRouteType, username: string, publicKey: string): string[] {
  const shell = type === 'push' ? '/bin/sh' : '/usr/sbin/nologin'
  const options = type === 'push' ? 'restrict ' : ''
  const forced = type === 'push' ? [] : ['  ForceCommand internal-sftp -R', '  DisableForwarding yes', '  PermitTTY no']
  return [
    `useradd --system --shell ${shell} --home-dir /nonexistent ${username}`,
    `install -D -m 644 /dev/stdin /etc/ssh/authorized_keys.d/${username} <<'KEY'`,
    `${options}${publicKey}`,
    'KEY',
    "cat > /etc/ssh/sshd_config.d/guestlift.conf <<'CONF'",
    `Match User ${username}`,
    '  AuthorizedKeysFile /etc/ssh/authorized_keys.d/%u',
    ...forced,
    'CONF',
    'systemctl reload ssh',
  ]
}

export const proxmoxSetUp: SetUp = {
  usualAccount: 'backup@pve!guestlift',
  showFingerprint: 'openssl x509 -noout -fingerprint -sha256 -in /etc/pve/local/pve-ssl.pem',
  accountCommands,
  routeCommands,
}

/** What a person runs on a node so that Guestlift may log in: as docs/proxmox-setup.md has it, and a test compares both. */
import type { SetUp, SshDeliveryType, SshRouteType } from '../set-up.ts'

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

/** The rights of an account that makes guests, on the storages that it needs and the bridges. */
function restoreCommands(tokenId: string, storage: string): string[] {
  const [user = '', token = ''] = tokenId.split('!')
  return [
    'pveum role add GuestliftRestore --privs "VM.Allocate VM.Audit VM.Backup VM.Config.CDROM VM.Config.CPU VM.Config.Cloudinit VM.Config.Disk VM.Config.HWType VM.Config.Memory VM.Config.Network VM.Config.Options VM.PowerMgmt Datastore.AllocateSpace Datastore.Audit SDN.Use"',
    `pveum user add ${user}`,
    `pveum user token add ${user} ${token} --privsep 1         # prints the secret once`,
    "# The storage that receives the archive's file, the storages of the disks, and the bridges.",
    `for path in /vms /storage/${storage} /storage/local-lvm /sdn/zones/localnetwork; do`,
    `  pveum acl modify $path --users ${user} --roles GuestliftRestore`,
    `  pveum acl modify $path --tokens '${tokenId}' --roles GuestliftRestore`,
    'done',
  ]
}

function importCommands(tokenId: string, storage: string, node: string): string[] {
  const [user = ''] = tokenId.split('!')
  return [
    `pvesm set ${storage} --content import                # a storage that keeps files, with whatever content it has beside it`,
    'pveum role add GuestliftImport --privs "Datastore.Allocate Datastore.AllocateSpace Datastore.AllocateTemplate Datastore.Audit Sys.AccessNetwork"',
    `for path in /storage/${storage} /nodes/${node}; do`,
    `  pveum acl modify $path --users ${user} --roles GuestliftImport`,
    `  pveum acl modify $path --tokens '${tokenId}' --roles GuestliftImport`,
    'done',
  ]
}

/** The account may add files to the folder of dumps, and touch nobody else's. */
function deliveryCommands(type: SshDeliveryType, username: string, publicKey: string): string[] {
  const shell = type === 'pull' ? '/bin/sh' : '/usr/sbin/nologin'
  const forced = type === 'pull' ? [] : ['  ForceCommand internal-sftp', '  DisableForwarding yes', '  PermitTTY no']
  return [
    `useradd --system --shell ${shell} --home-dir /nonexistent ${username}`,
    `chgrp ${username} /var/lib/vz/dump`,
    'chmod 1775 /var/lib/vz/dump',
    `install -D -m 644 /dev/stdin /etc/ssh/authorized_keys.d/${username} <<'KEY'`,
    `${type === 'pull' ? 'restrict ' : ''}${publicKey}`,
    'KEY',
    `cat > /etc/ssh/sshd_config.d/guestlift-${type === 'pull' ? 'pull' : 'restore'}.conf <<'CONF'`,
    `Match User ${username}`,
    '  AuthorizedKeysFile /etc/ssh/authorized_keys.d/%u',
    ...forced,
    'CONF',
    'systemctl reload ssh',
  ]
}

export const proxmoxSetUp: SetUp = {
  usualAccount: 'backup@pve!guestlift',
  usualRestoreAccount: 'restore@pve!guestlift',
  showFingerprint: 'openssl x509 -noout -fingerprint -sha256 -in /etc/pve/local/pve-ssl.pem',
  accountCommands,
  routeCommands,
  restoreCommands,
  importCommands,
  deliveryCommands,
}

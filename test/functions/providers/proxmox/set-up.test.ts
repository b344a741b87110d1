import { describe, expect, it } from 'vitest'
import { proxmoxSetUp } from '../../../../functions/providers/proxmox/set-up.ts'

describe('what is run on a node for restores', () => {
  it('gives user and token the role, on the storage that is named', () => {
    const commands = proxmoxSetUp.restoreCommands('back@pam!one', 'nas')
    expect(commands).toContain('pveum user add back@pam')
    expect(commands).toContain('pveum user token add back@pam one --privsep 1         # prints the secret once')
    expect(commands).toContain('for path in /vms /storage/nas /storage/local-lvm /sdn/zones/localnetwork; do')
    expect(commands.filter((line) => line.includes('acl modify'))).toEqual([
      '  pveum acl modify $path --users back@pam --roles GuestliftRestore',
      "  pveum acl modify $path --tokens 'back@pam!one' --roles GuestliftRestore",
    ])
  })

  it('gives rights for import on one storage and one node', () => {
    const commands = proxmoxSetUp.importCommands('back@pam!one', 'disks', 'pve7')
    expect(commands[0]).toMatch(/^pvesm set disks --content import /)
    expect(commands).toContain('for path in /storage/disks /nodes/pve7; do')
    expect(commands.filter((line) => line.includes('acl modify'))).toEqual([
      '  pveum acl modify $path --users back@pam --roles GuestliftImport',
      "  pveum acl modify $path --tokens 'back@pam!one' --roles GuestliftImport",
    ])
  })

  it('lets an account of sftp do nothing but transfer files', () => {
    expect(proxmoxSetUp.deliveryCommands('sftp', 'writer', 'ssh-ed25519 AAAA')).toEqual([
      'useradd --system --shell /usr/sbin/nologin --home-dir /nonexistent writer',
      'chgrp writer /var/lib/vz/dump',
      'chmod 1775 /var/lib/vz/dump',
      "install -D -m 644 /dev/stdin /etc/ssh/authorized_keys.d/writer <<'KEY'",
      'ssh-ed25519 AAAA',
      'KEY',
      "cat > /etc/ssh/sshd_config.d/guestlift-restore.conf <<'CONF'",
      'Match User writer',
      '  AuthorizedKeysFile /etc/ssh/authorized_keys.d/%u',
      '  ForceCommand internal-sftp',
      '  DisableForwarding yes',
      '  PermitTTY no',
      'CONF',
      'systemctl reload ssh',
    ])
  })

  it('gives an account of pull a shell, and restricts its key', () => {
    const commands = proxmoxSetUp.deliveryCommands('pull', 'puller', 'ssh-ed25519 AAAA')
    expect(commands[0]).toBe('useradd --system --shell /bin/sh --home-dir /nonexistent puller')
    expect(commands).toContain('restrict ssh-ed25519 AAAA')
    expect(commands).toContain("cat > /etc/ssh/sshd_config.d/guestlift-pull.conf <<'CONF'")
    expect(commands.join('\n')).not.toMatch(/ForceCommand/)
  })
})

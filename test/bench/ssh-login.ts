import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Bed } from './bed.ts'

/** The server's keys as they are known at a port: the same ones, whatever the port at which the server is reached. */
export function knownHostsAt(port: number, { folder, ssh }: Pick<Bed, 'folder' | 'ssh'>): string {
  const path = join(folder, `known-hosts-${port}`)
  writeFileSync(path, readFileSync(ssh.knownHostsFile, 'utf8').replaceAll(`]:${ssh.port} `, `]:${port} `))
  return path
}

/** OpenSSH's client with the cheapest cipher, to be followed by what the node is to run. */
export function sshCommand(bed: Pick<Bed, 'folder' | 'ssh'>, port = bed.ssh.port): string[] {
  const { keyFile, username } = bed.ssh
  const login = ['-i', keyFile, '-o', `UserKnownHostsFile=${knownHostsAt(port, bed)}`, '-c', 'aes128-gcm@openssh.com']
  return ['ssh', '-p', String(port), ...login, `${username}@127.0.0.1`]
}

/** The node as a remote of rclone's. */
export function sftpRemote(name: string, bed: Pick<Bed, 'folder' | 'ssh'>, port: number): string[] {
  return [
    `[${name}]`,
    'type = sftp',
    'host = 127.0.0.1',
    `port = ${port}`,
    `user = ${bed.ssh.username}`,
    `key_file = ${bed.ssh.keyFile}`,
    `known_hosts_file = ${knownHostsAt(port, bed)}`,
    // Without it, rclone would also have the server hash the file by a shell command.
    'shell_type = none',
  ]
}

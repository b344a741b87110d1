/** `npm run lab`: the simulated site alone, until it is told to stop. */
import { resolve } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import { startLab } from './lab.ts'
import { stopOnSignals } from '../shared/stop-on-signals.ts'

function number(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value) || value < 0)
    throw new InvalidArgumentError('not a number of 0 or more')
  return value
}

interface Flags {
  port: number
  sshPort: number
  state: string
  dumpSeconds: number
  guestMib: number
  delay401: number
  guests: number
  controlPort: number
  pveVersion: string
}

const program = new Command('lab')
  .description('A simulated Proxmox VE site on this machine: REST over TLS, SFTP, guests whose backups are real files.')
  .option('--platform <platform>', 'which lab: proxmox, ec2, vsphere or azure', 'proxmox')
  .option('--port <port>', 'port of the API; 0 takes any free one', number, 0)
  .option('--ssh-port <port>', 'port of the SSH server; 0 takes any free one', number, 0)
  .option(
    '--state <directory>',
    'where dumps, tasks and credentials are kept; taken up again when it exists',
    '.guestlift/lab',
  )
  .option('--dump-seconds <seconds>', 'how long copying one guest takes', number, 5)
  .option('--guest-mib <mebibytes>', 'data in each guest of a new site', number, 64)
  .option('--guests <count>', 'guests of a new site; the same count gives the same guests', number, 4)
  .option('--control-port <port>', 'port of the control address; 0 takes any free one', number, 0)
  .option('--delay-401 <seconds>', 'how long a refused login is held back, as the real server does', number, 3)
  .option(
    '--pve-version <version>',
    'the version that the site shows; before 8.3 errors are reported in the old way',
    '9.2.11',
  )
  .addHelpText(
    'after',
    '\nPrints one line of JSON when it is ready: apiUrl, ssh, users, token, fingerprint, storages, guests and\n' +
      'two ready-made sites: `site` for backups, and `restoreSite` for restores. Its `control` is an address on loopback: GET shows the state of the site, and POST of\n' +
      'one JSON object changes it, as {"clockOffsetSeconds":-3600} or {"lockGuest":{"id":103,"lock":"backup"}}. Stops cleanly on SIGTERM and SIGINT. For testing only: the line contains all its secrets.',
  )
  .parse()

const flags = program.opts<Flags>()
const directory = resolve(flags.state)
const lab = await startLab({
  directory,
  apiPort: flags.port,
  sshPort: flags.sshPort,
  secondsPerDump: flags.dumpSeconds,
  guestCount: flags.guests,
  controlPort: flags.controlPort,
  guestBytes: flags.guestMib * 1024 ** 2,
  unauthorizedDelaySeconds: flags.delay401,
  version: flags.pveVersion,
})

stopOnSignals(() => lab.close())

const { apiUrl, fingerprint, caPem, ssh, users, token, storages } = lab
const guests = lab.guests.map(({ vmid, kind, name, node, status }) => ({ vmid, kind, name, node, status }))
process.stdout.write(
  `${JSON.stringify({ apiUrl, control: lab.controlUrl, ssh, users, token, fingerprint, fingerprints: [fingerprint], caPem, storages, guests, state: directory, site: lab.site({ restores: true }), restoreSite: lab.site({ account: 'restore' }) })}\n`,
)

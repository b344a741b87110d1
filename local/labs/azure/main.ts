/** `npm run lab -- --platform azure`: the simulated subscription alone, until it is told to stop. */
import { Command } from 'commander'
import { MIB } from './disks/content.ts'
import { guestsOf, refusedGuests } from './guests.ts'
import { startAzureLab } from './lab.ts'
import { stopOnSignals } from '../shared/stop-on-signals.ts'
import { wholeNumber } from '../shared/whole-number.ts'

interface Flags {
  port: number
  controlPort: number
  vms: number
  writtenMib: number
  refused: boolean
}

const flags = new Command('lab')
  .description('A simulated Azure subscription on this machine: Entra, Resource Manager and disks that can be read.')
  .option('--platform <platform>', 'which lab: proxmox, ec2, vsphere or azure', 'azure')
  .option('--port <port>', 'port of all services; 0 takes any free one', wholeNumber, 0)
  .option('--control-port <port>', 'port of the control address; 0 takes any free one', wholeNumber, 0)
  .option('--vms <count>', 'how many virtual machines there are, at most 5', wholeNumber, 5)
  .option('--written-mib <mebibytes>', 'what was written on each disk', wholeNumber, 64)
  .option('--refused', 'also one machine of each kind that cannot be archived', false)
  .addHelpText(
    'after',
    '\nPrints one line of JSON when it is ready: url, ca, tenant, subscription, vms and `site`, ready to use.\n' +
      'Its `control` is an address on loopback: GET shows the state, and POST of one JSON object changes it,\n' +
      'as {"holdOperations":true} or {"nextAnswer":{"call":"restorePoints.createOrUpdate","fate":"lost"}}.\n' +
      'What happens in the subscription is kept in memory alone. Stops cleanly on SIGTERM and SIGINT.\n' +
      'For testing only: the line contains all its secrets.',
  )
  .parse()
  .opts<Flags>()

const guests = guestsOf({ writtenBytes: flags.writtenMib * MIB }).slice(0, flags.vms)
const lab = await startAzureLab({
  port: flags.port,
  controlPort: flags.controlPort,
  groups: [{ name: 'guestlift' }],
  vms: [...guests, ...(flags.refused ? refusedGuests() : [])],
})

stopOnSignals(() => lab.close())

const { url, ca, tenant, subscription } = lab
const vms = lab.control.vms().map(({ name, group, location, vmId, state, disks }) => ({
  name,
  group,
  location,
  vmId,
  state,
  disks: disks.map(({ name: disk, sizeGiB }) => ({ name: disk, sizeGiB })),
}))
process.stdout.write(
  `${JSON.stringify({ url, control: lab.controlUrl, ca, tenant, subscription, vms, site: lab.site() })}\n`,
)

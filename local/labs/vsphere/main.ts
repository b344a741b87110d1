/** `npm run lab -- --platform vsphere`: the simulated vCenter alone, until it is stopped. */
import { Command, InvalidArgumentError, Option } from 'commander'
import { type DiskContent, seededContent } from '../ec2/disk.ts'
import { startVsphereLab } from './lab.ts'
import type { GuestSpec } from './world/specs.ts'
import { stopOnSignals } from '../shared/stop-on-signals.ts'
import { wholeNumber } from '../shared/whole-number.ts'

const MIB = 1024 ** 2

function version(text: string): string {
  if (!/^\d+\.\d+(\.\d+){0,2}$/.test(text)) throw new InvalidArgumentError('not a version, as 6.5 or 8.0.3.0')
  return text
}

interface Flags {
  port: number
  controlPort: number
  guests: number
  writtenMib: number
  kind: 'vcenter' | 'host'
  apiVersion: string
}

/** Blocks here and there, as a file system leaves them: runs of 16, and a hole after each. */
function written(sizeMib: number, mebibytes: number, seed: number): DiskContent {
  const count = Math.min(mebibytes * 2, sizeMib)
  const blocks = Array.from({ length: count }, (_none, place) => place + Math.floor(place / 16) * 16)
  return seededContent(
    blocks.filter((block) => block < sizeMib * 2),
    seed,
  )
}

/** `web01` has two disks, `db01` older snapshots and no Tools; every third of the others is off. */
function guestsOf({ guests, writtenMib }: Flags): GuestSpec[] {
  const disk = (sizeMib: number, seed: number) => ({
    capacityBytes: sizeMib * MIB,
    content: written(sizeMib, writtenMib, seed),
  })
  const named: GuestSpec[] = [
    {
      name: 'web01',
      id: '50010000-0000-4000-8000-000000000001',
      folder: 'Web/Prod',
      firmware: 'efi',
      tags: ['backup:daily'],
      disks: [disk(256, 1), disk(128, 2)],
    },
    {
      name: 'db01',
      id: '50010000-0000-4000-8000-000000000002',
      toolsRunning: false,
      disks: [disk(256, 3)],
      snapshots: [{ name: 'before the update' }],
    },
  ]
  const more = Array.from({ length: Math.max(0, guests - named.length) }, (_none, index): GuestSpec => {
    const number = index + named.length
    return {
      name: `app${String(index + 1).padStart(2, '0')}`,
      powerState: number % 3 === 0 ? 'poweredOff' : 'poweredOn',
      disks: [disk(128, number + 2)],
    }
  })
  return [...named, ...more].slice(0, guests)
}

const flags = new Command('lab')
  .description('A simulated vCenter on this machine: SOAP, files of datastores and tags, with guests that can be read.')
  .option('--platform <platform>', 'which lab: proxmox, ec2, vsphere or azure', 'vsphere')
  .option('--port <port>', 'port of the vCenter; 0 takes any free one', wholeNumber, 0)
  .option('--control-port <port>', 'port of the control address; 0 takes any free one', wholeNumber, 0)
  .option('--guests <count>', 'how many guests there are', wholeNumber, 2)
  .option('--written-mib <mebibytes>', 'what was written on each disk', wholeNumber, 32)
  .addOption(new Option('--kind <kind>', 'what it is').choices(['vcenter', 'host']).default('vcenter'))
  .option('--api-version <version>', 'the version of its API', version, '8.0.3.0')
  .addHelpText(
    'after',
    '\nPrints one line of JSON when it is ready: url, fingerprint, hosts, guests, users and a ready-made `site`.\n' +
      'Its `control` is an address on loopback: GET shows the state, and POST of one JSON object changes it,\n' +
      'as {"holdTasks":true} or {"nextAnswer":{"of":"CreateSnapshot_Task","fate":"lost"}}.\n' +
      'What happens on it is kept in memory alone. Stops cleanly on SIGTERM and SIGINT.\n' +
      'For testing only: the line contains all its secrets.',
  )
  .parse()
  .opts<Flags>()

/** A port that is taken is a mistake of whoever chose it, and no reason to show where in the code it was met. */
function endWith(error: unknown): never {
  if ((error as { code?: unknown }).code !== 'EADDRINUSE') throw error
  process.stderr.write('The port is taken by another program. Choose another one, or 0 for any free one.\n')
  process.exit(1)
}

const lab = await startVsphereLab({
  port: flags.port,
  controlPort: flags.controlPort,
  kind: flags.kind,
  apiVersion: flags.apiVersion,
  guests: guestsOf(flags),
  ...(flags.kind === 'host'
    ? {}
    : {
        datacenters: [
          {
            name: 'DC1',
            datastores: [{ name: 'datastore1' }, { name: 'staging', kind: 'NFS' }],
            guestFolders: ['Web/Prod', 'guestlift'],
          },
        ],
      }),
}).catch(endWith)

stopOnSignals(() => lab.close())

const { url, fingerprint, hosts, users } = lab
const guests = lab.control.guests().map(({ instanceUuid, name, powerState, disks }) => ({
  id: instanceUuid,
  name,
  powerState,
  disks: disks.map(({ label, capacityBytes }) => ({ label, capacityBytes })),
}))
process.stdout.write(
  `${JSON.stringify({ url, control: lab.controlUrl, fingerprint, hosts, users, guests, site: lab.site() })}\n`,
)

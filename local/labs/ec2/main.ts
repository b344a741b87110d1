/** `npm run lab -- --platform ec2`: the simulated account alone, until it is told to stop. */
import { Command } from 'commander'
import type { InstanceSpec } from './account.ts'
import { BLOCK_BYTES, blocksOf, type DiskContent, seededContent } from './disk.ts'
import { startEc2Lab } from './lab.ts'
import { stopOnSignals } from '../shared/stop-on-signals.ts'
import { wholeNumber } from '../shared/whole-number.ts'

const MIB = 1024 ** 2

interface Flags {
  port: number
  controlPort: number
  instances: number
  writtenMib: number
  region: string
}

/** Blocks here and there, as a file system leaves them: runs of 16, and a hole after each. */
function written(sizeGiB: number, mebibytes: number, seed: number): DiskContent {
  const count = Math.min(Math.ceil((mebibytes * MIB) / BLOCK_BYTES), blocksOf(sizeGiB) / 2)
  const blocks = Array.from({ length: count }, (_none, place) => place + Math.floor(place / 16) * 16)
  return seededContent(blocks, seed)
}

/** `web01` has two disks, `db01` one that is encrypted; every third of the others is stopped. */
function instancesOf({ instances, writtenMib, region }: Flags): InstanceSpec[] {
  const content = (sizeGiB: number, seed: number): DiskContent => written(sizeGiB, writtenMib, seed)
  const id = (index: number): string => `i-0${(0xa0_00_00_00 + index).toString(16).padStart(16, '0')}`
  const named: InstanceSpec[] = [
    {
      id: id(0),
      name: 'web01',
      tags: { backup: 'daily' },
      volumes: [
        { device: '/dev/xvda', sizeGiB: 8, content: content(8, 1) },
        { device: '/dev/sdf', sizeGiB: 20, content: content(20, 2) },
      ],
    },
    {
      id: id(1),
      name: 'db01',
      zone: `${region}b`,
      state: 'stopped',
      architecture: 'arm64',
      bootMode: 'uefi',
      volumes: [{ device: '/dev/xvda', sizeGiB: 8, encrypted: true, content: content(8, 3) }],
    },
  ]
  const more = Array.from({ length: Math.max(0, instances - named.length) }, (_none, index): InstanceSpec => {
    const number = index + named.length
    return {
      id: id(number),
      name: `app${String(index + 1).padStart(2, '0')}`,
      state: number % 3 === 0 ? 'stopped' : 'running',
      volumes: [{ device: '/dev/xvda', sizeGiB: 8, content: content(8, number + 2) }],
    }
  })
  return [...named, ...more].slice(0, instances)
}

const flags = new Command('lab')
  .description(
    'A simulated AWS account on this machine: EC2, EBS direct and STS, with instances whose disks can be read.',
  )
  .option('--platform <platform>', 'which lab: proxmox, ec2, vsphere or azure', 'ec2')
  .option('--port <port>', 'port of all three services; 0 takes any free one', wholeNumber, 0)
  .option('--control-port <port>', 'port of the control address; 0 takes any free one', wholeNumber, 0)
  .option('--instances <count>', 'how many instances there are', wholeNumber, 2)
  .option('--written-mib <mebibytes>', 'what was written on each volume', wholeNumber, 64)
  .option('--region <region>', 'the Region of the account', 'eu-central-1')
  .addHelpText(
    'after',
    '\nPrints one line of JSON when it is ready: url, account, regions, credentials, instances and two\n' +
      'ready-made sites: `site` with an access key, and `roleSite`, which assumes a role with it.\n' +
      'Its `control` is an address on loopback: GET shows the state, and POST of one JSON object changes it,\n' +
      'as {"holdSnapshots":true} or {"nextAnswer":{"action":"CreateSnapshots","fate":"lost"}}.\n' +
      'What happens in the account is kept in memory alone. Stops cleanly on SIGTERM and SIGINT.\n' +
      'For testing only: the line contains all its secrets.',
  )
  .parse()
  .opts<Flags>()

const lab = await startEc2Lab({
  port: flags.port,
  controlPort: flags.controlPort,
  regions: [flags.region],
  roles: [{ arn: 'arn:aws:iam::111122223333:role/guestlift-backup', externalId: 'lab-external-id' }],
  instances: instancesOf(flags),
})

stopOnSignals(() => lab.close())

const { url, account, regions, credentials, roles } = lab
const instances = lab.control.instances().map(({ id, zone, state, tags }) => ({
  id,
  name: tags.get('Name'),
  zone,
  state,
  volumes: lab.control
    .volumes()
    .filter(({ attachment }) => attachment?.instanceId === id)
    .map(({ id: volume, sizeGiB, attachment }) => ({ id: volume, device: attachment?.device, sizeGiB })),
}))
process.stdout.write(
  `${JSON.stringify({ url, control: lab.controlUrl, account, regions, credentials, roles, instances, site: lab.site(), roleSite: lab.site({ auth: 'role' }) })}\n`,
)

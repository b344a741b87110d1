import { type Command, Option } from 'commander'
import { exitHelp } from './exit-codes.ts'

/** On demand: each brings its lab along. They say what they do, and set the exit code. */
const demos = {
  proxmox: async () => (await import('../demo/proxmox.ts')).playProxmox(),
  ec2: async () => (await import('../demo/ec2.ts')).playEc2(),
  vsphere: async () => (await import('../demo/vsphere.ts')).playVsphere(),
  azure: async () => (await import('../demo/azure.ts')).playAzure(),
}

export function addDemoCommand(program: Command): void {
  program
    .command('demo')
    .description('play the whole product on this machine: a simulated site, an embedded S3, and a proof at the end')
    .addOption(
      new Option('--platform <name>', 'the platform that is simulated').choices(Object.keys(demos)).default('proxmox'),
    )
    .addHelpText('after', exitHelp({ succeeded: 'proved', failed: 'something of it failed; see what it says' }))
    .action(async ({ platform }: { platform: keyof typeof demos }) => demos[platform]())
}

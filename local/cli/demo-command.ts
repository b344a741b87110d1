import type { Command } from 'commander'
import { exitHelp } from './exit-codes.ts'

export function addDemoCommand(program: Command): void {
  program
    .command('demo')
    .description('play the whole product on this machine: a simulated site, an embedded S3, and a proof at the end')
    .addHelpText('after', exitHelp({ succeeded: 'proved', failed: 'something of it failed; see what it says' }))
    .action(async () => {
      // On demand: it brings the lab along. It says what it does, and sets the exit code.
      await import('../demo/main.ts')
    })
}

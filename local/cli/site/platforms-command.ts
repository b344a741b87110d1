import type { Command } from 'commander'
import { platformTraits } from '../../../functions/providers/registry.ts'
import { exitHelp } from '../exit-codes.ts'
import { textOf } from '../print/terminal.ts'
import { platformLines } from '../print/print-platforms.ts'

export function addPlatformsCommand(program: Command): void {
  program
    .command('platforms')
    .description('show which platforms there are, and what Guestlift can do on each')
    .option('--json', 'print them as one line of JSON')
    .addHelpText('after', exitHelp({ succeeded: 'shown' }))
    .action(({ json = false }: { json?: boolean }) => {
      process.stdout.write(json ? `${JSON.stringify(platformTraits)}\n` : textOf(platformLines(platformTraits)))
    })
}

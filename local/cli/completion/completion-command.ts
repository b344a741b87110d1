/** `guestlift completion`: a script that a shell loads; it starts no `guestlift` for a word. */
import { Argument, type Command } from 'commander'
import { exitHelp } from '../exit-codes.ts'
import { bashScript } from './bash.ts'
import { completionTree } from './completion-tree.ts'
import { fishScript } from './fish.ts'
import { zshScript } from './zsh.ts'

const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript }
type Shell = keyof typeof scripts

export function addCompletionCommand(program: Command): void {
  program
    .command('completion')
    .description('print the completion script of a shell: words of commands, options and their values')
    .addArgument(new Argument('<shell>', 'whose script').choices(Object.keys(scripts)))
    .addHelpText(
      'after',
      `
bash: eval "$(guestlift completion bash)", as a line of ~/.bashrc.
zsh:  guestlift completion zsh > "\${fpath[1]}/_guestlift", once for each version.
fish: guestlift completion fish > ~/.config/fish/completions/guestlift.fish
${exitHelp({ succeeded: 'printed' })}`,
    )
    .action((shell: Shell) => {
      process.stdout.write(scripts[shell](completionTree(program)))
    })
}

import type { Command } from 'commander'
import { summaries, tasks } from './tasks.ts'

/** Show the commands by task, one line each, and with each an example. One that no task knows stands at the end. */
export function groupCommands(program: Command): void {
  const order = tasks.flatMap(({ examples }) => Object.keys(examples).map((words) => words.split(' ')[0] ?? ''))
  for (const { heading, examples } of tasks) {
    for (const [words, example] of Object.entries(examples)) {
      const [command, ...within] = pathTo(program, words.split(' '))
      command?.helpGroup(heading)
      const last = within.at(-1) ?? command
      last?.addHelpText('after', `\nExample:\n  guestlift ${example}`)
    }
  }
  for (const command of program.commands) {
    const summary = summaries[command.name()]
    if (summary !== undefined) command.summary(summary)
  }
  const place = (command: Command) => (order.indexOf(command.name()) + order.length + 1) % (order.length + 1)
  // Groups are shown in the order of their first commands.
  ;(program.commands as Command[]).sort((a, b) => place(a) - place(b))
  program.commandsGroup('Help:').helpCommand('help [command]', 'show the help of a command')
  program.configureHelp({ subcommandTerm: (command) => command.name() })
}

/** The commands that the words lead through; none where one of them is unknown. */
function pathTo(program: Command, words: readonly string[]): Command[] {
  const path: Command[] = []
  let above = program
  for (const word of words) {
    const command = above.commands.find((one) => one.name() === word)
    if (command === undefined) return []
    path.push(command)
    above = command
  }
  return path
}

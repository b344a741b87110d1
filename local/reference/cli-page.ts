/** docs/cli.md, from the definitions of the commands: what `--help` prints, for every command. Starts no process. */
import type { Command } from 'commander'
import { sharedRules, writtenForms } from './shared-words.ts'

/** As wide as a code block of a page shows without a scroll bar. */
const COLUMNS = 100

const INTRODUCTION = `# Command line

This page lists every command of \`guestlift\` with its options and exit codes, as its \`--help\` prints them.
For a choice by task, see [Commands by task](../README.md#commands-by-task).
It is generated from the commands by \`npm run docs:reference\`, and a test fails when it is not current.

## Words that all commands share

- \`--site\` is a site's name, and \`--site-file\` a [site file](sites.md).
- What an option leaves out, [settings](settings.md) may say.
- [Exit codes](../README.md#exit-codes) mean the same for all commands.

| for | write |
| --- | --- |
${writtenForms.map(([what, form]) => `| ${what} | ${form} |`).join('\n')}

${sharedRules.join('\n\n')}`

/** The whole page. */
export function cliPage(program: Command): string {
  const all = commandsBelow(program)
  const contents = all.slice(1).map(({ title }) => `- [\`${title}\`](#${title.replaceAll(' ', '-')})`)
  const sections = all.map(({ command, title }) => `## ${title}\n\n\`\`\`text\n${helpText(command)}\n\`\`\``)
  return `${[INTRODUCTION, contents.join('\n'), ...sections].join('\n\n')}\n`
}

interface Titled {
  command: Command
  /** As it is typed: `guestlift catalog rebuild`. */
  title: string
}

function commandsBelow(command: Command, parents: readonly string[] = []): Titled[] {
  const words = [...parents, command.name()]
  return [{ command, title: words.join(' ') }, ...command.commands.flatMap((one) => commandsBelow(one, words))]
}

/** What `--help` prints, with what a command adds behind its options. */
export function helpText(command: Command): string {
  let text = ''
  command.configureOutput({
    writeOut: (more) => {
      text += more
    },
    getOutHelpWidth: () => COLUMNS,
    getOutHasColors: () => false,
  })
  command.outputHelp()
  return text
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
    .trim()
}

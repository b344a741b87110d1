/** What a shell completes, from the definitions of the commands: plain data, without commander. */
import type { Command, Option } from 'commander'

export interface CompletedCommand {
  /** `backups list`; empty for `guestlift` itself. */
  path: string
  /** And the words of an argument that takes one of some. */
  commands: { name: string; description: string }[]
  options: CompletedOption[]
}

export interface CompletedOption {
  /** `--json`, `-o` */
  flags: string[]
  description: string
  /** What follows it: nothing, a file, one of some words, or anything. */
  value: 'none' | 'file' | 'any' | readonly string[]
}

/** The command and all below it. */
export function completionTree(command: Command, above: readonly string[] = []): CompletedCommand[] {
  const help = command.createHelp()
  const commands = help.visibleCommands(command)
  const path = above.join(' ')
  const here = {
    path,
    commands: [
      ...commands.map((one) => ({ name: one.name(), description: firstLine(one.summary() || one.description()) })),
      ...command.registeredArguments.flatMap(({ argChoices = [], description }) =>
        argChoices.map((name) => ({ name, description: firstLine(description) })),
      ),
    ],
    options: help.visibleOptions(command).map(completedOption),
  }
  return [here, ...command.commands.flatMap((one) => completionTree(one, [...above, one.name()]))]
}

function completedOption(option: Option): CompletedOption {
  const flags = [option.short, option.long].filter((flag) => flag !== undefined && flag !== null)
  return { flags, description: firstLine(option.description), value: valueOf(option) }
}

function valueOf({ required, optional, argChoices, flags }: Option): CompletedOption['value'] {
  if (argChoices !== undefined) return argChoices
  if (!required && !optional) return 'none'
  return /<[^>]*(file|\.json|\.html|path)/i.test(flags) || /\[file\]/.test(flags) ? 'file' : 'any'
}

/** Of quotes and backslashes, shells make something else. */
function firstLine(text: string): string {
  const [line = ''] = text.split('\n')
  return line.replaceAll(/['"`\\$]/g, '').slice(0, 70)
}
/** What follows options, by where they stand: `backups list --storage`. */
export interface ValuesAfter {
  files: string[]
  anything: string[]
  choices: { at: string[]; words: readonly string[] }[]
}

export function valuesAfter(tree: readonly CompletedCommand[]): ValuesAfter {
  const after: ValuesAfter = { files: [], anything: [], choices: [] }
  for (const { path, options } of tree) {
    for (const { flags, value } of options) {
      const at = flags.map((flag) => `${path} ${flag}`)
      if (value === 'file') after.files.push(...at)
      else if (value === 'any') after.anything.push(...at)
      else if (value !== 'none') after.choices.push({ at, words: value })
    }
  }
  return after
}

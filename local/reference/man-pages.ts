/** Manual pages, from the definitions of the commands as docs/cli.md is: `guestlift(1)` and one for each command. Pure. */
import type { Command } from 'commander'
import { sharedRules, writtenForms } from './shared-words.ts'

export interface ManPage {
  /** `guestlift-backups-list.1` */
  fileName: string
  /** In the man macros of troff: https://man7.org/linux/man-pages/man7/groff_man.7.html */
  text: string
}

export interface ManEdition {
  version: string
  /** As pages show it: `2026-11-30`. */
  date: string
}

/** The command and all below it. */
export function manPages(program: Command, edition: ManEdition): ManPage[] {
  return titled(program).map(({ command, title, above }) => ({
    fileName: `${title.replaceAll(' ', '-')}.1`,
    text: `${pageLines(command, title, above, edition).join('\n')}\n`,
  }))
}

interface Titled {
  command: Command
  /** As it is typed. */
  title: string
  /** The title of the command that it is part of. */
  above?: string
}

function titled(command: Command, above?: string): Titled[] {
  const title = above === undefined ? command.name() : `${above} ${command.name()}`
  const own = { command, title, ...(above === undefined ? {} : { above }) }
  return [own, ...command.commands.flatMap((one) => titled(one, title))]
}

function pageLines(command: Command, title: string, above: string | undefined, { version, date }: ManEdition) {
  const help = command.createHelp()
  const name = title.replaceAll(' ', '-')
  const summary = command.summary() || command.description()
  const synopsis = help.commandUsage(command).slice(command.name().length)
  const behind = blocksBehind(command)
  return [
    `.TH ${name.toUpperCase()} 1 "${date}" "guestlift ${version}" "Guestlift"`,
    // A word that is to be typed must not be hyphenated, and a line isn't stretched.
    '.nh',
    '.ad l',
    '.SH NAME',
    `${escaped(name)} \\- ${escaped(firstSentence(summary))}`,
    '.SH SYNOPSIS',
    `${bold(title)}${escaped(above === undefined ? synopsis : synopsis.slice(synopsis.indexOf(command.name()) + command.name().length))}`,
    '.SH DESCRIPTION',
    ...paragraph(command.description()),
    ...section(
      'ARGUMENTS',
      help
        .visibleArguments(command)
        .flatMap((one) => item(bold(help.argumentTerm(one)), help.argumentDescription(one))),
    ),
    ...commandLines(command, title),
    ...section(
      'OPTIONS',
      help.visibleOptions(command).flatMap((one) => item(bold(help.optionTerm(one)), help.optionDescription(one))),
    ),
    ...(above === undefined ? sharedLines() : []),
    ...behind,
    '.SH SEE ALSO',
    ...seeAlso(command, title, above),
  ]
}

/** What a command adds behind its options: exit codes, an example, and what else is to say. */
function blocksBehind(command: Command): string[] {
  let text = ''
  command.configureOutput({
    writeOut: (more) => {
      text += more
    },
    getOutHelpWidth: () => 200,
    getOutHasColors: () => false,
  })
  command.outputHelp()
  const help = command.createHelp()
  help.prepareContext({ helpWidth: 200 })
  const own = help.formatHelp(command, help).trimEnd()
  const behind = text.slice(text.indexOf(own) + own.length)
  return behind
    .split(/\n{2,}|\n(?=Exit codes:)/)
    .map((block) => block.trimEnd())
    .filter((block) => block.trim() !== '')
    .flatMap(blockLines)
}

function blockLines(block: string): string[] {
  const [first = '', ...others] = block.replace(/^\n+/, '').split('\n')
  if (first === 'Exit codes:') {
    return section(
      'EXIT STATUS',
      others.flatMap((line) => {
        const [, code = '', meaning = ''] = /^ *(\d+) +(.*)$/.exec(line) ?? []
        return item(bold(code), meaning, 6)
      }),
    )
  }
  if (first === 'Example:') return section('EXAMPLES', ['.nf', ...others.map((line) => escaped(line.trim())), '.fi'])
  // Commands, each with what it is for.
  const lines = [first, ...others].map((line) => escaped(line.trim()))
  if (others.length > 0 && lines.every((line) => /^\w+: /.test(line))) return section('NOTES', ['.nf', ...lines, '.fi'])
  return section('NOTES', paragraph([first, ...others].join(' ')))
}

function commandLines(command: Command, title: string): string[] {
  const help = command.createHelp()
  const groups = Map.groupBy(help.visibleCommands(command), (one) => one.helpGroup() || 'Commands:')
  const lines = [...groups].flatMap(([heading, commands]) => [
    ...(groups.size === 1 ? [] : [`.SS ${escaped(heading.replace(/:$/, ''))}`]),
    ...commands.flatMap((one) => item(bold(`${title} ${one.name()}`), help.subcommandDescription(one))),
  ])
  return section('COMMANDS', lines)
}

function sharedLines(): string[] {
  const forms = writtenForms.flatMap(([what, form]) => item(bold(what), form))
  return [...section('WORDS', forms), ...sharedRules.flatMap((rule) => ['.PP', inline(rule.replaceAll('\n', ' '))])]
}

function seeAlso(command: Command, title: string, above: string | undefined): string[] {
  const names =
    above === undefined ? command.commands.map((one) => `${title}-${one.name()}`) : [above, ...siblings(command, above)]
  const pages = [...new Set(names)].map((name) => `${bold(name.replaceAll(' ', '-'))}(1)`)
  return [pages.join(', '), '.PP', 'The pages in the folder docs of the package.']
}

function siblings(command: Command, above: string): string[] {
  const all = command.parent?.commands ?? []
  // All of the first level are named by guestlift(1).
  return above.includes(' ') ? all.filter((one) => one !== command).map((one) => `${above} ${one.name()}`) : []
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`.SH ${title}`, ...lines]
}

function item(term: string, text: string, indent = 8): string[] {
  return [`.TP ${indent}`, term, inline(text)]
}

function paragraph(text: string): string[] {
  return text === '' ? [] : [inline(sentence(text))]
}

/** `firstly done; then …` as the end of a line that names a page: what whatis(1) shows. */
function firstSentence(text: string): string {
  return text.replace(/[.:;]\s.*$/s, '').replace(/\.$/, '')
}

function sentence(text: string): string {
  const begun = `${text.charAt(0).toUpperCase()}${text.slice(1)}`
  return /[.?!]$/.test(begun) ? begun : `${begun}.`
}

function bold(text: string): string {
  return `\\fB${escaped(text)}\\fR`
}

/** Markdown within a line: code in bold, links as their words. */
function inline(text: string): string {
  return text
    .replaceAll(/\[([^\]]+)\]\([^)\s]+\)/g, '$1')
    .split('`')
    .map((part, index) => (index % 2 === 1 ? `\\fB${characters(part)}\\fR` : characters(part)))
    .join('')
    .replace(/^(?=[.'])/, '\\&')
}

/** A text as one line that troff takes as it is. */
function escaped(text: string): string {
  return characters(text).replace(/^(?=[.'])/, '\\&')
}

/** A hyphen would become one that no shell takes; quotes would be curved. */
function characters(text: string): string {
  return text
    .replaceAll(/\s+/g, ' ')
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll("'", '\\(aq')
    .replaceAll('`', '\\(ga')
    .replaceAll('^', '\\(ha')
    .replaceAll('~', '\\(ti')
}

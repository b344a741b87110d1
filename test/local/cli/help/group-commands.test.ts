import type { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { summaries, tasks } from '../../../../local/cli/help/tasks.ts'
import { guestliftProgram } from '../../../../local/cli/program.ts'
import { listenForStop } from '../../../../local/cli/stop-signals.ts'
import { helpText } from '../../../../local/reference/cli-page.ts'

const program = guestliftProgram(listenForStop({ on: () => undefined, off: () => undefined }))
const examples = Object.assign({}, ...tasks.map((task) => task.examples)) as Record<string, string>

function leaves(command: Command, words: readonly string[] = []): { words: string; command: Command }[] {
  if (command.commands.length === 0) return [{ words: words.join(' '), command }]
  return command.commands.flatMap((one) => leaves(one, [...words, one.name()]))
}

describe('guestlift --help', () => {
  const text = helpText(program)

  it('groups every command by a task, a line of a narrow terminal each', () => {
    expect(text).not.toContain('\nCommands:')
    for (const { heading } of tasks) expect(text).toContain(`\n${heading}\n`)
    for (const command of program.commands) {
      const line = new RegExp(`^ {2}${command.name()} +\\S.*$`, 'm').exec(text)?.[0] ?? ''
      expect(line.length, command.name()).toBeGreaterThan(0)
      expect(line.length, command.name()).toBeLessThanOrEqual(80)
      expect(summaries[command.name()], command.name()).toBeDefined()
    }
  })
})

describe('the help of a command', () => {
  it.each(leaves(program).map(({ words, command }) => [words, command] as const))(
    'has an example: guestlift %s',
    (words, command) => {
      const example = examples[words] ?? ''
      expect(helpText(command)).toContain(`Example:\n  guestlift ${words}`)
      const known = command.options.flatMap(({ short, long }) => [short, long])
      const flags = example.match(/(?<= )--?[a-z][a-z0-9-]*/g) ?? []
      expect(flags.filter((flag) => !known.includes(flag))).toEqual([])
    },
  )
})

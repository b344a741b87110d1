/** `guestlift config`: what holds where options say nothing, and why. */
import type { Command } from 'commander'
import { UsageError } from '../../run/cli-error.ts'
import { readSettings, type Settings } from '../../settings/settings.ts'
import { settingNames, variableOf } from '../../settings/settings-schema.ts'
import { exitHelp } from '../exit-codes.ts'
import { plain, textColumns } from '../print/columns.ts'
import { textOf } from '../print/terminal.ts'

export function addConfigCommand(program: Command): void {
  program
    .command('config')
    .description('show the settings that hold here, and what says each of them; see docs/settings.md')
    .option('--json', 'print them as one line of JSON')
    .addHelpText('after', exitHelp({ succeeded: 'shown', failed: 'a settings file or a variable can not be used' }))
    .action(async ({ json = false }: { json?: boolean }) => {
      const settings = await readOwnSettings()
      const { file = null, held, notes } = settings
      process.stdout.write(
        json ? `${JSON.stringify({ version: 1, file, settings: held, notes })}\n` : textOf(configLines(settings)),
      )
    })
}

/** Of this process. @throws UsageError */
export function readOwnSettings(): Promise<Settings> {
  return readSettings(process.cwd(), process.env, (message, options) => new UsageError(message, options))
}

export function configLines({ file, held, notes }: Settings): string[] {
  const rows = settingNames.map((name) => {
    const setting = held[name]
    if (setting === undefined) return [name, '-', `not set: ${variableOf(name)} or a settings file`]
    const { value, from, source, insteadOf } = setting
    const why = from === 'environment' ? `the variable ${source}` : source
    return [name, plain(value), insteadOf === undefined ? plain(why) : `${why}, before ${plain(insteadOf)} of the file`]
  })
  return [
    ...textColumns(rows).flat(),
    file === undefined ? 'No guestlift.json or guestlift.yaml here or above.' : `Settings file: ${plain(file)}`,
    'An option of a command wins over all of them.',
    ...notes.map((note) => `note: ${plain(note)}`),
  ]
}

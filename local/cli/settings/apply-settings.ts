/** Settings as options of the commands that have them: what the command line says wins. */
import type { Command, Option } from 'commander'
import type { Settings } from '../../settings/settings.ts'
import { settingNames } from '../../settings/settings-schema.ts'
import { BesideOption, PlaceOption, SiteNameOption } from '../shared-options.ts'

/** What says an option's value, the strongest last. Commander's own words for it. */
const ranks = ['default', 'config', 'env', 'cli']

/** Before the words are read: what they say then replaces it. */
export function applySettings(program: Command, { held }: Settings): void {
  for (const command of commandsBelow(program)) {
    for (const name of settingNames) {
      const setting = held[name]
      const option = command.options.find((one) => one.attributeName() === name)
      if (setting === undefined || option === undefined || !isShared(option)) continue
      const value = option.variadic ? [setting.value] : setting.value
      command.setOptionValueWithSource(name, value, setting.from === 'environment' ? 'env' : 'config')
    }
  }
}

/** An option of the same name may mean another thing. */
function isShared(option: Option): boolean {
  return !option.negate && (option.required || option.variadic)
}

/**
 * Before the command's action: of two places, this machine or AWS, the one that is said more strongly holds, and what
 * settings say of the other is dropped. Said alike, the deployment holds: it does the work, and the bucket is for
 * commands that read it. A site that only settings name becomes `usualSite` where others may name it too, and a bucket
 * beside a deployment `usualBucket`.
 */
export function settlePlace(command: Command): void {
  const site = command.options.find(({ long }) => long === '--site')
  if (site instanceof SiteNameOption && site.isChecked && isSetting(command, 'site')) {
    const source = command.getOptionValueSource('site') ?? 'config'
    command.setOptionValueWithSource('usualSite', command.getOptionValue('site') as unknown, source)
    command.setOptionValueWithSource('site', undefined, 'default')
  }
  const [here, there] = [strongest(command, 'here'), strongest(command, 'on AWS')]
  if (there > 0 && here < ranks.indexOf('cli') && there >= here) drop(command, 'here')
  else if (here > there) drop(command, 'on AWS')
  settleBucketBeside(command)
  const isLocal = command.options.find(({ long }) => long === '--local')?.isBoolean() === true
  // Settings alone name a bucket and no deployment: then that is where the work is done.
  if (isLocal && there === 0 && here < ranks.indexOf('cli') && isSetting(command, 'bucket')) {
    command.setOptionValueWithSource('local', true, 'config')
  }
}

/**
 * A deployment that is said more strongly than a bucket has its own one. Said alike, the setting's may still be that of
 * a deployment whose file leaves its bucket's name open.
 */
function settleBucketBeside(command: Command): void {
  const beside = command.options.filter((option) => option instanceof BesideOption)
  const [here, there] = [strongestOf(command, beside), strongest(command, 'on AWS')]
  if (there === 0 || here >= ranks.indexOf('cli') || here > there) return
  const settings = beside.filter((option) => isSetting(command, option.attributeName()))
  const values = settings.map((option) => [option.attributeName(), command.getOptionValue(option.attributeName())])
  if (here === there) command.setOptionValueWithSource('usualBucket', Object.fromEntries(values), 'config')
  forget(command, settings)
}

/** Whether settings, and not the command line, say an option's value. */
export function isSetting(command: Command, name: string): boolean {
  return ['config', 'env'].includes(command.getOptionValueSource(name) ?? '')
}

function strongest(command: Command, place: PlaceOption['place']): number {
  return strongestOf(command, optionsOf(command, place))
}

/** An endpoint or a prefix in settings is about any bucket, and settles nothing. */
function strongestOf(command: Command, options: readonly Option[]): number {
  const said = options.map((option) => {
    const name = option.attributeName()
    const rank = ranks.indexOf(command.getOptionValueSource(name) ?? 'default')
    return ['s3', 'prefix'].includes(name) && rank < ranks.indexOf('cli') ? 0 : rank
  })
  return Math.max(0, ...said)
}

function drop(command: Command, place: PlaceOption['place']): void {
  forget(
    command,
    optionsOf(command, place).filter((option) => isSetting(command, option.attributeName())),
  )
}

function forget(command: Command, options: readonly Option[]): void {
  for (const option of options) {
    command.setOptionValueWithSource(option.attributeName(), option.defaultValue as unknown, 'default')
  }
}

function optionsOf(command: Command, place: PlaceOption['place']): PlaceOption[] {
  return command.options.filter((option) => option instanceof PlaceOption && option.place === place) as PlaceOption[]
}

function commandsBelow(command: Command): Command[] {
  return [command, ...command.commands.flatMap(commandsBelow)]
}

/** Settings of this machine: variables of the environment, and a file that is found upwards from the working folder. */
import { stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { didYouMean } from '../../functions/domain/words/did-you-mean.ts'
import { validationMessage } from '../../functions/domain/words/validation-message.ts'
import { withoutSchema } from '../../functions/domain/words/without-schema.ts'
import { readDocument } from '../documents/read-document.ts'
import { type SettingName, settingNames, settingsSchema, variableOf } from './settings-schema.ts'

/** A value that holds, and what says so. */
export interface Setting {
  value: string
  from: 'environment' | 'file'
  /** The variable, or the file's path. */
  source: string
  /** What it is in the place of: the same setting of the file. */
  insteadOf?: string
}

export interface Settings {
  /** The file that was found. */
  file?: string
  held: Partial<Record<SettingName, Setting>>
  /** What looks like a setting and is none, a sentence for each. */
  notes: string[]
}

const FILES = ['guestlift.json', 'guestlift.jsonc', 'guestlift.yaml', 'guestlift.yml']

type Environment = Readonly<Record<string, string | undefined>>

/**
 * What holds: variables before the file.
 * @param refuse makes the error of a sentence
 * @throws what `refuse` makes, about the file or a variable
 */
export async function readSettings(
  cwd: string,
  environment: Environment,
  refuse: (message: string, options?: ErrorOptions) => Error,
): Promise<Settings> {
  const held: Settings['held'] = {}
  const file = await findFile(resolve(cwd), refuse)
  const written = file === undefined ? {} : await valuesIn(file, refuse)
  const variables = valuesOf(environment, refuse)
  for (const name of settingNames) {
    const [told, kept] = [variables[name], written[name]]
    if (told !== undefined) {
      const insteadOf = kept === undefined ? {} : { insteadOf: kept }
      held[name] = { value: told, from: 'environment', source: variableOf(name), ...insteadOf }
    } else if (kept !== undefined && file !== undefined) held[name] = { value: kept, from: 'file', source: file }
  }
  return { ...(file === undefined ? {} : { file }), held, notes: strangeVariables(environment) }
}

type Values = Partial<Record<SettingName, string>>

async function valuesIn(file: string, refuse: (message: string, options?: ErrorOptions) => Error): Promise<Values> {
  const document = await readDocument(file, { noun: 'settings', page: 'docs/settings.md', error: refuse })
  const values = settingsSchema.safeParse(withoutSchema(document.value))
  if (!values.success) throw document.refusal(values.error)
  const { siteFile, ...rest } = definedOf(values.data)
  return { ...rest, ...(siteFile === undefined ? {} : { siteFile: resolve(dirname(file), siteFile) }) }
}

/** Empty counts as not set. */
function valuesOf(environment: Environment, refuse: (message: string) => Error): Values {
  const told: Values = {}
  for (const name of settingNames) {
    const value = environment[variableOf(name)]
    if (value === undefined || value === '') continue
    const parsed = settingsSchema.shape[name].safeParse(value)
    if (!parsed.success)
      throw refuse(`The variable ${variableOf(name)} can't be used: ${validationMessage(parsed.error)}.`)
    told[name] = value
  }
  return told
}

function definedOf(values: { [Name in SettingName]?: string | undefined }): Values {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined))
}

/** The nearest one, from a folder upwards. */
async function findFile(folder: string, refuse: (message: string) => Error): Promise<string | undefined> {
  const there: string[] = []
  for (const name of FILES) if (await isFile(join(folder, name))) there.push(name)
  const [name, ...others] = there
  if (others.length > 0) throw refuse(`${folder} holds ${there.join(' and ')}: keep one of them.`)
  if (name !== undefined) {
    const path = join(folder, name)
    if (await mayBeForeign(path)) {
      throw refuse(
        `The settings file ${path} belongs to another user, and everybody may write to its folder. It could send archives elsewhere: remove it, or work in a folder of your own.`,
      )
    }
    return path
  }
  const above = dirname(folder)
  return above === folder ? undefined : findFile(above, refuse)
}

/** Laid by somebody else where anybody can, as in /tmp. */
async function mayBeForeign(path: string): Promise<boolean> {
  const own = process.getuid?.()
  const [file, folder] = await Promise.all([stat(path), stat(dirname(path))])
  return own !== undefined && file.uid !== own && file.uid !== 0 && (folder.mode & 0o002) !== 0
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  )
}

/** Variables of ours that are no settings: a folder, and the secrets that `init` takes. */
const OTHERS = ['GUESTLIFT_HOME', 'GUESTLIFT_SECRET', 'GUESTLIFT_ROUTE_SECRET', 'GUESTLIFT_RESTORE_SECRET']

/** A misspelt variable would be ignored, silently. */
function strangeVariables(environment: Environment): string[] {
  const known = settingNames.map(variableOf)
  return Object.keys(environment)
    .filter((name) => name.startsWith('GUESTLIFT_') && !known.includes(name) && !OTHERS.includes(name))
    .map((name) => {
      const meant = didYouMean(name, known)
      return `${name} is no setting.${meant === undefined ? '' : ` Did you mean ${meant}?`}`
    })
}

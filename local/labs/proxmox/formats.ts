/** Named formats of parameters and the "property strings" (`key=value,key=value`) inside them. */

export type FormatName = keyof typeof FORMATS

/** Perl's split_list: commas, semicolons, blanks and NUL all separate. */
export function splitList(text: string): string[] {
  return text.split(/[,;\s\0]+/).filter((part) => part !== '')
}

const isVmid = (text: string): boolean => /^[1-9][0-9]{2,8}$/.test(text)
const isStorageId = (text: string): boolean => /^[a-z][a-z0-9\-_.]*[a-z0-9]$/i.test(text)
const isNodeName = (text: string): boolean => /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)$/.test(text)
const CONTENT_TYPES = ['images', 'rootdir', 'vztmpl', 'iso', 'backup', 'snippets', 'none', 'import']

interface Part {
  integer?: true
  boolean?: true
  minimum?: number
  maximum?: number
}

function propertyProblem(name: string, value: string, rule: Part | undefined): string | undefined {
  if (rule === undefined) {
    return `${name}: property is not defined in schema and the schema does not allow additional properties`
  }
  if (rule.boolean === true && !/^(0|1|on|off|yes|no|true|false)$/i.test(value)) {
    return `${name}: type check ('boolean') failed - got '${value}'`
  }
  if (rule.integer === true && !/^[+-]?\d+$/.test(value))
    return `${name}: type check ('integer') failed - got '${value}'`
  if (rule.minimum !== undefined && Number(value) < rule.minimum)
    return `${name}: value must have a minimum value of ${rule.minimum}`
  if (rule.maximum !== undefined && Number(value) > rule.maximum)
    return `${name}: value must have a maximum value of ${rule.maximum}`
  return undefined
}

/** Parse a property string; `first` is the key of a value without one. Problems are what the server prints. */
function properties(
  text: string,
  outer: string,
  rules: Record<string, Part>,
  first?: string,
): { values: Record<string, string>; problem?: string } {
  const values: Record<string, string> = {}
  const problems: string[] = []
  for (const part of text.split(',').filter((each) => each !== '')) {
    const [, key, value] = /^([^=]+)=(.*)$/.exec(part) ?? [undefined, first, part]
    if (key === undefined || value === undefined)
      return { values, problem: 'value without key, but schema does not define a default key' }
    const problem = propertyProblem(`${outer}.${key}`, value, rules[key])
    if (problem !== undefined) problems.push(problem)
    values[key] = value
  }
  return problems.length > 0 ? { values, problem: `format error\n${problems.join('\n')}` } : { values }
}

const count: Part = { integer: true, minimum: 0 }
const KEEP: Record<string, Part> = {
  'keep-all': { boolean: true },
  'keep-last': count,
  'keep-hourly': count,
  'keep-daily': count,
  'keep-weekly': count,
  'keep-monthly': count,
  'keep-yearly': count,
}

/** Retention as numbers, `keep-all` as 1. Only for text that passed the format check. */
export function parseRetention(text: string): Record<string, number> {
  const { values } = properties(text, 'prune-backups', KEEP)
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, Number(value)]))
}

function retentionProblem(text: string): string | undefined {
  const { values, problem } = properties(text, 'prune-backups', KEEP)
  if (problem !== undefined) return problem
  const others = Object.entries(values).some(([key, value]) => key !== 'keep-all' && Number(value) > 0)
  return values['keep-all'] === '1' && others ? 'keep-all cannot be set together with other options.' : undefined
}

export function parseFleecing(text: string): Record<string, string> {
  return properties(text, 'fleecing', { enabled: { boolean: true }, storage: {} }, 'enabled').values
}

function fleecingProblem(text: string): string | undefined {
  const { values, problem } = properties(text, 'fleecing', { enabled: { boolean: true }, storage: {} }, 'enabled')
  if (problem !== undefined) return problem
  return values['enabled'] === '1' && values['storage'] === undefined
    ? "'storage' parameter is required when 'enabled' is set"
    : undefined
}

const listOf =
  (valid: (text: string) => boolean, say: (text: string) => string) =>
  (text: string): string | undefined => {
    const wrong = splitList(text).find((part) => !valid(part))
    return wrong === undefined ? undefined : say(wrong)
  }

const one =
  (valid: (text: string) => boolean, say: (text: string) => string) =>
  (text: string): string | undefined =>
    valid(text) ? undefined : say(text)

const vmidText = (): string => 'value does not look like a valid VM ID'
const contentText = (text: string): string => `invalid content type '${text}'`

const FORMATS = {
  'pve-vmid': one(isVmid, vmidText),
  'pve-vmid-list': listOf(isVmid, vmidText),
  'pve-node': one(isNodeName, () => 'value does not look like a valid node name'),
  'pve-storage-id': one(isStorageId, (text) => `storage ID '${text}' contains illegal characters`),
  'pve-storage-content': one((text) => CONTENT_TYPES.includes(text), contentText),
  'pve-storage-content-list': listOf((text) => CONTENT_TYPES.includes(text), contentText),
  'pve-realm': one(
    (text) => /^[A-Za-z][A-Za-z0-9.\-_]+$/.test(text),
    (text) => `value does not look like a valid realm: '${text}'`,
  ),
  'pve-poolid': one(
    (text) => /^[A-Za-z0-9.\-_]+(?:\/[A-Za-z0-9.\-_]+){0,2}$/.test(text),
    (text) => `value '${text}' contains invalid characters`,
  ),
  'pve-configid': one(
    (text) => /^[a-z0-9][a-z0-9_-]+$/i.test(text),
    (text) => `invalid configuration ID '${text}'`,
  ),
  'pve-priv-list': listOf(() => true, String),
  'email-or-username-list': listOf(() => true, String),
  'pve-task-status-type-list': listOf(
    (text) => /^(ok|error|warning|unknown)$/i.test(text),
    (text) => `invalid status '${text}'`,
  ),
  'prune-backups': retentionProblem,
  'backup-fleecing': fleecingProblem,
  'backup-performance': (text: string): string | undefined =>
    properties(text, 'performance', {
      'max-workers': { integer: true, minimum: 1, maximum: 256 },
      'pbs-entries-max': { integer: true, minimum: 1 },
    }).problem,
  'pve-calendar-event': one(
    (text) => /^[a-z0-9.,:*/\-\s]+$/i.test(text) && text.trim() !== '',
    (text) => `invalid calendar event '${text}' - unable to parse calendar event\n`,
  ),
}

/** What is wrong with `text`, or `undefined`. */
export function checkFormat(format: FormatName, text: string): string | undefined {
  return FORMATS[format](text)
}

import type { ChoiceRule, Graph, State, StateType } from '../definition.ts'
import { isObject } from '../json.ts'
import { parseTimestamp } from '../timestamps.ts'
import { readCatchers, readExit, readRetriers } from './exits.ts'
import type { Fields, QueryLanguage } from './fields.ts'
import { DISTRIBUTED_FIELDS, readDistributedOptions } from './load-map.ts'
import { readResource, type Supports } from './resources.ts'

export interface LoadContext {
  readonly language: QueryLanguage
  readonly supports: Supports
  readonly resources: Set<string>
  /** Loads a nested set of states. */
  readonly graph: (fields: Fields, extraFields: readonly string[]) => Graph
}

const COMMON = ['Type', 'Comment', 'QueryLanguage']
const FLOW = ['Next', 'End', 'Output', 'Assign']
const GUARDS = ['Retry', 'Catch']

const FIELDS: Readonly<Record<StateType, readonly string[]>> = {
  Pass: FLOW,
  Task: [...FLOW, ...GUARDS, 'Resource', 'Arguments', 'TimeoutSeconds'],
  Choice: ['Choices', 'Default', 'Output', 'Assign'],
  Wait: [...FLOW, 'Seconds', 'Timestamp'],
  Succeed: ['Output'],
  Fail: ['Error', 'Cause'],
  Parallel: [...FLOW, ...GUARDS, 'Branches', 'Arguments'],
  Map: [...FLOW, ...GUARDS, 'ItemProcessor', 'Items', 'ItemSelector', 'MaxConcurrency', ...DISTRIBUTED_FIELDS],
}

/** A JSONPath state without any JSONPath in it does the same in both languages; recordings mix such states in. */
const NEUTRAL_FIELDS: Readonly<Partial<Record<StateType, readonly string[]>>> = {
  Pass: ['Next', 'End'],
  Succeed: [],
  Fail: ['Error', 'Cause'],
  Wait: ['Next', 'End', 'Seconds'],
  Parallel: ['Next', 'End', 'Branches'],
}

const REFUSED: Readonly<Record<string, string>> = {
  HeartbeatSeconds: 'HeartbeatSeconds is not supported: there are no task tokens and no activities',
  Credentials: 'Credentials is not supported',
  Iterator: "Iterator is the old name of ItemProcessor and isn't supported",
  TimeoutSecondsPath: 'JSONPath is not supported',
  ...Object.fromEntries(
    [
      'InputPath',
      'OutputPath',
      'ResultPath',
      'ResultSelector',
      'Parameters',
      'Result',
      'ItemsPath',
      'MaxConcurrencyPath',
    ].map((name) => [
      name,
      `The QueryLanguage is set to 'JSONata', but field '${name}' is only supported for the 'JSONPath' QueryLanguage`,
    ]),
  ),
}

const TYPES = Object.keys(FIELDS)

export function readState(name: string, fields: Fields, context: LoadContext): State | undefined {
  const type = fields.values['Type']
  if (!isStateType(type)) {
    fields.complain('Type', `Value should be one of the following: [${TYPES.join(', ')}]`)
    return undefined
  }
  checkLanguage(type, fields, context)
  const base = { name, comment: fields.text('Comment') }
  switch (type) {
    case 'Pass':
      return { type, ...base, ...readFlow(fields) }
    case 'Task': {
      const resource = readResource(fields, context.supports)
      context.resources.add(resource)
      return {
        type,
        ...base,
        ...readFlow(fields),
        ...readGuards(fields),
        resource,
        arguments: fields.template('Arguments'),
        timeoutSeconds: fields.numberOrExpression('TimeoutSeconds', { min: 1 }),
      }
    }
    case 'Choice':
      return { type, ...base, ...readExit(fields), rules: readRules(fields), default: fields.text('Default') }
    case 'Wait':
      return { type, ...base, ...readFlow(fields), until: readWait(fields) }
    case 'Succeed':
      return { type, ...base, output: fields.template('Output') }
    case 'Fail':
      return {
        type,
        ...base,
        error: fields.typed('Error', isText, 'a string'),
        cause: fields.typed('Cause', isText, 'a string'),
      }
    case 'Parallel': {
      const branches = fields.objects('Branches')
      if (branches.length === 0) fields.complain('Branches', 'Expected at least one branch')
      return {
        type,
        ...base,
        ...readFlow(fields),
        ...readGuards(fields),
        arguments: fields.template('Arguments'),
        branches: branches.map((branch) => context.graph(branch, [])),
      }
    }
    case 'Map':
    default:
      return readMap(base, fields, context)
  }
}

function readMap(
  base: { name: string; comment: string | undefined },
  fields: Fields,
  context: LoadContext,
): State | undefined {
  const processor = fields.object('ItemProcessor')
  if (processor === undefined) {
    fields.require('ItemProcessor')
    return undefined
  }
  return {
    type: 'Map',
    ...base,
    ...readFlow(fields),
    ...readGuards(fields),
    items: fields.typed('Items', Array.isArray, 'an array'),
    itemSelector: fields.template('ItemSelector'),
    maxConcurrency: fields.numberOrExpression('MaxConcurrency', { min: 0 }),
    distributed: readDistributedOptions(fields),
    processor: context.graph(processor, ['ProcessorConfig']),
  }
}

function isStateType(type: unknown): type is StateType {
  return typeof type === 'string' && TYPES.includes(type)
}

function isText(value: unknown): boolean {
  return typeof value === 'string'
}

/** A nested state takes the machine's language, not that of the Map or Parallel around it. */
function checkLanguage(type: StateType, fields: Fields, context: LoadContext): void {
  const language = fields.oneOf('QueryLanguage', ['JSONata', 'JSONPath'], context.language)
  if (language === 'JSONata') {
    fields.allowOnly([...COMMON, ...FIELDS[type]], REFUSED)
    return
  }
  if (context.language === 'JSONata') {
    fields.complain('', "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine")
    return
  }
  const neutral = NEUTRAL_FIELDS[type]
  const foreign = Object.keys(fields.values).filter((name) => !COMMON.includes(name) && !neutral?.includes(name))
  if (neutral === undefined || foreign.length > 0) {
    const what =
      neutral === undefined ? `a ${type} state` : `the field${foreign.length > 1 ? 's' : ''} ${foreign.join(', ')}`
    fields.complain('', `The query language JSONPath is not supported (${what}): set QueryLanguage to JSONata`)
  }
}

function readFlow(fields: Fields) {
  const end = fields.values['End']
  if (end !== undefined && end !== true) fields.complain('End', 'End must be true or absent')
  if (fields.has('Next') === (end === true)) fields.complain('', "Expected either 'Next' or 'End': true")
  return { next: fields.text('Next'), ...readExit(fields) }
}

function readGuards(fields: Fields) {
  return { retry: readRetriers(fields), catch: readCatchers(fields) }
}

function readRules(fields: Fields): readonly ChoiceRule[] {
  const rules = fields.objects('Choices')
  if (rules.length === 0) fields.complain('Choices', 'Expected at least one rule')
  return rules.map((rule, index) => {
    const prefix = `Choices[${index}]/`
    rule.allowOnly(['Condition', 'Next', 'Output', 'Assign', 'Comment'])
    rule.require('Condition')
    rule.require('Next')
    const condition = rule.typed('Condition', (value) => typeof value === 'boolean', 'true, false', prefix)
    return {
      condition: condition ?? { kind: 'constant', value: false, location: `${prefix}Condition` },
      next: rule.text('Next') ?? '',
      ...readExit(rule, { prefix }),
    }
  })
}

function isTimestamp(value: unknown): boolean {
  return typeof value === 'string' && parseTimestamp(value) !== undefined
}

function readWait(fields: Fields) {
  if (fields.has('Seconds') === fields.has('Timestamp')) fields.complain('', "Expected either 'Seconds' or 'Timestamp'")
  const nothing = { kind: 'constant' as const, value: 0, location: 'Seconds' }
  if (fields.has('Timestamp')) {
    const value = fields.typed('Timestamp', isTimestamp, 'an instant such as 2026-01-31T23:00:00Z')
    return { field: 'Timestamp' as const, value: value ?? nothing }
  }
  return { field: 'Seconds' as const, value: fields.numberOrExpression('Seconds', { min: 0 }) ?? nothing }
}

/** Every state a state can lead to, with the place that says so. */
export function transitions(fields: Fields): readonly { readonly target: string; readonly place: string }[] {
  const found: { target: string; place: string }[] = []
  const add = (value: unknown, place: string) => {
    if (typeof value === 'string') found.push({ target: value, place })
  }
  add(fields.values['Next'], 'Next')
  add(fields.values['Default'], 'Default')
  for (const list of ['Choices', 'Catch']) {
    const rules = fields.values[list]
    if (!Array.isArray(rules)) continue
    for (const [index, rule] of rules.entries()) if (isObject(rule)) add(rule['Next'], `${list}[${index}]/Next`)
  }
  return found
}

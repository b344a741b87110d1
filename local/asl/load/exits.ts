import type { Catcher, Exit, Retrier } from '../definition.ts'
import { isObject } from '../json.ts'
import { LIMITS } from '../limits.ts'
import type { Fields } from './fields.ts'

/** Variable names: a Unicode letter or underscore first, as in the States Language's "Assign" section. */
const VARIABLE_NAME = /^[\p{L}_][\p{L}\p{N}_]*$/u

/** Reads Output and Assign of a state, a choice rule or a catcher. */
export function readExit(fields: Fields, options: { readonly prefix?: string; readonly inCatch?: boolean } = {}): Exit {
  checkVariableNames(fields)
  return { output: fields.template('Output', options), assign: fields.template('Assign', options) }
}

function checkVariableNames(fields: Fields): void {
  const assign = fields.values['Assign']
  if (assign === undefined) return
  if (!isObject(assign)) {
    fields.complain('Assign', 'Expected value of type [OBJECT]')
    return
  }
  for (const name of Object.keys(assign)) {
    if (name === 'states') fields.complain(`Assign/${name}`, "The variable name 'states' is reserved")
    else if (!VARIABLE_NAME.test(name) || name.length > LIMITS.nameLength) {
      fields.complain(
        `Assign/${name}`,
        `'${name}' is not a variable name: it must start with a letter or '_', go on with letters, digits or '_', and have at most ${LIMITS.nameLength} characters`,
      )
    }
  }
}

export function readRetriers(state: Fields): readonly Retrier[] {
  const retriers = state.objects('Retry')
  return retriers.map((fields, index) => {
    fields.allowOnly([
      'ErrorEquals',
      'IntervalSeconds',
      'MaxAttempts',
      'BackoffRate',
      'MaxDelaySeconds',
      'JitterStrategy',
      'Comment',
    ])
    const intervalSeconds = fields.number('IntervalSeconds', { min: 1 }) ?? 1
    const maxDelaySeconds = fields.number('MaxDelaySeconds', { min: 1, max: LIMITS.maxDelaySeconds })
    if (maxDelaySeconds !== undefined && maxDelaySeconds <= intervalSeconds) {
      fields.complain('MaxDelaySeconds', 'MaxDelaySeconds must be greater than IntervalSeconds')
    }
    return {
      errorEquals: readErrorNames(fields, index === retriers.length - 1),
      intervalSeconds,
      maxAttempts: fields.number('MaxAttempts', { min: 0 }) ?? 3,
      backoffRate: fields.number('BackoffRate', { min: 1, fractions: true }) ?? 2,
      maxDelaySeconds,
      jitter: fields.oneOf('JitterStrategy', ['FULL', 'NONE'], 'NONE'),
    }
  })
}

export function readCatchers(state: Fields): readonly Catcher[] {
  const catchers = state.objects('Catch')
  return catchers.map((fields, index) => {
    fields.allowOnly(['ErrorEquals', 'Next', 'Output', 'Assign', 'Comment'])
    fields.require('Next')
    return {
      errorEquals: readErrorNames(fields, index === catchers.length - 1),
      next: fields.text('Next') ?? '',
      ...readExit(fields, { prefix: `Catch[${index}]/`, inCatch: true }),
    }
  })
}

function readErrorNames(fields: Fields, isLast: boolean): readonly string[] {
  const names = fields.values['ErrorEquals']
  if (!Array.isArray(names) || names.length === 0 || !names.every((name) => typeof name === 'string')) {
    fields.complain('ErrorEquals', 'Expected a list of at least one error name')
    return []
  }
  if (names.includes('States.ALL') && (names.length > 1 || !isLast)) {
    fields.complain('ErrorEquals', "'States.ALL' must stand alone and in the last place")
  }
  return names
}

import type { Graph, State, StateMachine } from '../definition.ts'
import { DefinitionError, type DefinitionProblem } from '../errors.ts'
import { isObject, messageOf } from '../json.ts'
import { LIMITS } from '../limits.ts'
import { Fields, type QueryLanguage } from './fields.ts'
import { type LoadContext, readState, transitions } from './load-state.ts'
import { type Supports, supportsLambda } from './resources.ts'

export interface LoadOptions {
  /** Integrations beside Lambda that the caller's task handler answers. Lambda alone by default. */
  readonly supports?: Supports
}

/**
 * Checks a definition (the parsed JSON, or its text) and parses every JSONata expression in it, once.
 * Throws DefinitionError with every problem and its place: what AWS refuses, and what this interpreter doesn't support.
 */
export function loadStateMachine(definition: unknown, options: LoadOptions = {}): StateMachine {
  const problems: DefinitionProblem[] = []
  const source = typeof definition === 'string' ? parseText(definition) : definition
  if (!isObject(source)) throw new DefinitionError([{ path: '/', message: 'Expected a JSON object' }])
  if (Buffer.byteLength(JSON.stringify(source)) > LIMITS.definitionBytes) {
    problems.push({ path: '/', message: `The definition is larger than ${LIMITS.definitionBytes} bytes` })
  }
  const top = new Fields('', source, problems)
  top.allowOnly(['Comment', 'StartAt', 'States', 'QueryLanguage', 'TimeoutSeconds', 'Version'])
  top.oneOf('Version', ['1.0'], '1.0')
  const language: QueryLanguage = top.oneOf('QueryLanguage', ['JSONata', 'JSONPath'], 'JSONPath')
  const names = new Set<string>()
  const context: LoadContext = {
    language,
    supports: options.supports ?? supportsLambda,
    resources: new Set(),
    graph: (fields, extraFields) => {
      fields.allowOnly(['StartAt', 'States', 'Comment', ...extraFields])
      return readGraph(fields, context, names)
    },
  }
  const graph = readGraph(top, context, names)
  const timeoutSeconds = top.number('TimeoutSeconds', { min: 1 })
  if (problems.length > 0) throw new DefinitionError(problems)
  return { graph, timeoutSeconds, comment: top.text('Comment'), resources: context.resources }
}

function parseText(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    return value
  } catch (error) {
    throw new DefinitionError([{ path: '/', message: `Not JSON: ${messageOf(error)}` }])
  }
}

function readGraph(fields: Fields, context: LoadContext, names: Set<string>): Graph {
  const states = new Map<string, State>()
  const inside = fields.object('States')
  if (inside === undefined || Object.keys(inside.values).length === 0) {
    fields.complain('States', 'Expected at least one state')
    return { startAt: '', states }
  }
  const targets = new Map<string, readonly string[]>()
  for (const [name, value] of Object.entries(inside.values)) {
    checkName(name, inside, names)
    if (!isObject(value)) {
      inside.complain(name, 'Expected value of type [OBJECT]')
      continue
    }
    const stateFields = inside.at(name, value)
    const state = readState(name, stateFields, context)
    if (state !== undefined) states.set(name, state)
    const leadsTo = transitions(stateFields)
    targets.set(
      name,
      leadsTo.map(({ target }) => target),
    )
    for (const { target, place } of leadsTo) {
      if (!(target in inside.values))
        stateFields.complain(place, `MISSING_TRANSITION_TARGET: there is no state '${target}' here`)
    }
  }
  const startAt = fields.text('StartAt') ?? ''
  if (fields.require('StartAt') && !(startAt in inside.values)) {
    fields.complain('StartAt', `MISSING_TRANSITION_TARGET: there is no state '${startAt}' here`)
  }
  checkReach(startAt, targets, states, inside)
  return { startAt, states }
}

function checkName(name: string, inside: Fields, names: Set<string>): void {
  if (name.length === 0 || name.length > LIMITS.nameLength) {
    inside.complain(name, `A state's name has 1 to ${LIMITS.nameLength} characters`)
  }
  if (names.has(name)) inside.complain(name, `DUPLICATE_STATE_NAME: '${name}' is used more than once`)
  names.add(name)
}

/** Every state must be reachable, and some end must be. */
function checkReach(
  startAt: string,
  targets: ReadonlyMap<string, readonly string[]>,
  states: ReadonlyMap<string, State>,
  inside: Fields,
): void {
  const reached = new Set<string>()
  const waiting = [startAt]
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (reached.has(name)) continue
    reached.add(name)
    waiting.push(...(targets.get(name) ?? []))
  }
  for (const name of targets.keys()) {
    if (!reached.has(name)) inside.complain(name, `MISSING_TRANSITION_TARGET: State '${name}' is not reachable`)
  }
  const ends = [...states.values()].some((state) => reached.has(state.name) && isTerminal(state))
  if (states.size === targets.size && !ends) inside.complain('', 'MISSING_END_STATE: no terminal state can be reached')
}

function isTerminal(state: State): boolean {
  if (state.type === 'Succeed' || state.type === 'Fail') return true
  // A Choice without Default may end the execution only by failing, which AWS doesn't count.
  return state.type !== 'Choice' && state.next === undefined
}

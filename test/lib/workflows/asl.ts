/** Walks over a state machine definition, for checks that concern every state. */
import { z } from 'zod'
import type { Definition } from '../../../local/run/synthesised.ts'

const transitionSchema = z.object({
  Next: z.string(),
  Assign: z.record(z.string(), z.unknown()).optional(),
  Output: z.unknown().optional(),
})

export const stateSchema = z.looseObject({
  Type: z.enum(['Task', 'Choice', 'Wait', 'Map', 'Succeed', 'Fail', 'Pass', 'Parallel']),
  Next: z.string().optional(),
  End: z.boolean().optional(),
  Default: z.string().optional(),
  TimeoutSeconds: z.int().optional(),
  Assign: z.record(z.string(), z.unknown()).optional(),
  Arguments: z
    .looseObject({ FunctionName: z.string().optional(), Payload: z.record(z.string(), z.unknown()).optional() })
    .optional(),
  Retry: z.array(z.looseObject({ ErrorEquals: z.array(z.string()) })).optional(),
  Catch: z.array(transitionSchema.extend({ ErrorEquals: z.array(z.string()) })).optional(),
  Choices: z.array(transitionSchema.extend({ Condition: z.string() })).optional(),
  ItemProcessor: z
    .looseObject({ ProcessorConfig: z.object({ Mode: z.enum(['INLINE', 'DISTRIBUTED']) }).loose() })
    .optional(),
})
export type State = z.output<typeof stateSchema>

const scopeSchema = z.looseObject({ StartAt: z.string(), States: z.record(z.string(), stateSchema) })

/** One level of a definition: the machine itself, or the inside of a Map. */
export interface Scope {
  startAt: string
  states: Record<string, State>
  /** The Map this is the inside of; `undefined` for the machine itself. */
  parent?: { scope: Scope; mapState: string; mode: 'INLINE' | 'DISTRIBUTED' }
}

/** All levels of a definition, outermost first. */
export function scopesOf(definition: Definition, parent?: Scope['parent']): Scope[] {
  const { StartAt, States } = scopeSchema.parse(definition)
  const scope: Scope = { startAt: StartAt, states: States, ...(parent && { parent }) }
  const inner = Object.entries(States).flatMap(([name, { ItemProcessor }]) =>
    ItemProcessor === undefined
      ? []
      : scopesOf(ItemProcessor, { scope, mapState: name, mode: ItemProcessor.ProcessorConfig.Mode }),
  )
  return [scope, ...inner]
}

/** Every state of a definition with its name, on all levels. */
export function statesOf(definition: Definition): [string, State][] {
  return scopesOf(definition).flatMap(({ states }) => Object.entries(states))
}

/** The ways out of a state, with the variables that each assigns. */
export function transitionsOf(state: State): { to: string; assigns: string[] }[] {
  const keys = (assign: Record<string, unknown> | undefined) => Object.keys(assign ?? {})
  return [
    ...[state.Next, state.Default].flatMap((to) => (to === undefined ? [] : [{ to, assigns: keys(state.Assign) }])),
    ...[...(state.Catch ?? []), ...(state.Choices ?? [])].map(({ Next, Assign }) => ({
      to: Next,
      assigns: keys(Assign),
    })),
  ]
}

/** Every string in a value, at any depth. */
export function stringsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(stringsIn) : []
}

/** The variables of the workflow that a state's own fields read; what lies inside a Map counts there. */
export function variablesReadBy(state: State): Set<string> {
  const expressions = stringsIn({ ...state, ItemProcessor: undefined }).filter((text) => text.startsWith('{%'))
  const names = expressions.flatMap((text) =>
    [...text.matchAll(/\$([A-Za-z_]\w*)(?!\w*\()/g)].map(([, name]) => name ?? ''),
  )
  return new Set(names.filter((name) => name !== 'states'))
}

/** Variables that are assigned on every way to a state, by state, for one level. */
export function assignedBefore(scope: Scope, atStart: ReadonlySet<string>): Map<string, Set<string>> {
  const known = new Map<string, Set<string>>([[scope.startAt, new Set(atStart)]])
  const open = [scope.startAt]
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const here = known.get(name) ?? new Set()
    for (const { to, assigns } of transitionsOf(scope.states[name] ?? { Type: 'Fail' })) {
      const arriving = new Set([...here, ...assigns])
      const before = known.get(to)
      const both = before === undefined ? arriving : new Set([...before].filter((variable) => arriving.has(variable)))
      if (before === undefined || both.size < before.size) {
        known.set(to, both)
        open.push(to)
      }
    }
  }
  return known
}

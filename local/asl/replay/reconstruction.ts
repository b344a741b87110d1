import { isObject, type Json } from '../json.ts'
import type { ItemStore } from '../ports.ts'
import { enteredBefore, payload, type RecordedEvent } from './recording.ts'

/**
 * Recordings have gaps: a test put a value in for `_tbd_` before its run, instants became `date`, and the objects in S3 aren't recorded.
 * Where the history itself shows what was there, it is put back; `notes` say what was.
 */
export interface Reconstruction {
  readonly definition: Json
  readonly input: Json
  readonly store: ItemStore
  readonly notes: readonly string[]
}

const GAP = '_tbd_'
const MASKED_INSTANTS = ['date', 'timestamp']
/** Any instant in the past serves where the recorded one was accepted. */
const SOME_INSTANT = '2016-12-05T21:29:29Z'

export function reconstruct(definition: Json, history: readonly RecordedEvent[]): Reconstruction {
  const notes: string[] = []
  return {
    definition: fillGaps(definition, history, notes),
    input: fillInstants(payload(history[0]?.details['input'] ?? {}), definition, history, notes),
    store: storeFrom(definition, history, notes),
    notes,
  }
}

function fillGaps(definition: Json, history: readonly RecordedEvent[], notes: string[]): Json {
  const copy = structuredClone(definition)
  eachState(copy, (name, state) => {
    if (state['Items'] === GAP) {
      const items = itemsOf(name, history)
      if (items !== undefined) {
        state['Items'] = items
        notes.push(`Items of '${name}' from the history: ${JSON.stringify(items)}`)
      }
    }
    fillResource(name, state, history, notes)
    fillQuoted(name, state, history, notes)
    const assign = state['Assign']
    if (!isObject(assign)) return
    for (const [variable, value] of Object.entries(assign)) {
      const assigned = history.find((event) => event.type.endsWith('StateExited') && event.details['name'] === name)
      const values = assigned?.details['assignedVariables']
      if (value !== GAP || !isObject(values) || !(variable in values)) continue
      assign[variable] = payload(values[variable])
      notes.push(`Assign/${variable} of '${name}' from the history: ${JSON.stringify(assign[variable])}`)
    }
  })
  return copy
}

/** Placeholders stand for the Resource where the test deployed a function or the partition was masked. */
function fillResource(
  name: string,
  state: Record<string, unknown>,
  history: readonly RecordedEvent[],
  notes: string[],
): void {
  const resource = state['Resource']
  if (state['Type'] !== 'Task' || typeof resource !== 'string' || /^arn:aws[a-z-]*:/.test(resource)) return
  const scheduled = history.find(
    (event) => event.type.endsWith('Scheduled') && enteredBefore(history, event)?.details['name'] === name,
  )
  const { resourceType, resource: action } = scheduled?.details ?? {}
  const integration = /:states:::(.+)$/.exec(resource)?.[1]
  if (integration !== undefined) state['Resource'] = `arn:aws:states:::${integration}`
  else if (typeof resourceType === 'string') state['Resource'] = `arn:aws:states:::${resourceType}:${String(action)}`
  else state['Resource'] = 'arn:aws:lambda:region:111111111111:function:recorded'
  notes.push(`Resource of '${name}': ${String(state['Resource'])}`)
}

/** A field that AWS refused is quoted in its words, expression and place. */
function fillQuoted(
  name: string,
  state: Record<string, unknown>,
  history: readonly RecordedEvent[],
  notes: string[],
): void {
  for (const { type, details } of history) {
    if (type !== 'EvaluationFailed' || details['state'] !== name) continue
    const quoted = /The JSONata expression '(.*)' specified for the field '([^']+)'/s.exec(String(details['cause']))
    const [source, field] = [quoted?.[1], quoted?.[2]]
    if (source === undefined || field === undefined || state[field] !== GAP) continue
    state[field] = `{% ${source} %}`
    notes.push(`${field} of '${name}' from the history: {% ${source} %}`)
  }
}

/** The expression that AWS quotes when it refuses its result, or else the inputs of the iterations. */
function itemsOf(name: string, history: readonly RecordedEvent[]): Json | undefined {
  const failed = history.find((event) => event.type === 'EvaluationFailed' && event.details['state'] === name)
  const quoted = /The JSONata expression '(.*)' specified for the field 'Items'/s.exec(String(failed?.details['cause']))
  if (quoted !== null) return `{% ${quoted[1]} %}`
  if (!history.some((event) => event.type === 'MapStateStarted')) return undefined
  const inputs: Json[] = []
  for (const event of history) {
    if (event.type !== 'MapIterationStarted' || event.details['name'] !== name) continue
    const first = history.find((other) => other.previousEventId === event.id && other.type.endsWith('StateEntered'))
    inputs[Number(event.details['index'])] = payload(first?.details['input'])
  }
  return inputs
}

function fillInstants(input: Json, definition: Json, history: readonly RecordedEvent[], notes: string[]): Json {
  let waits = false
  eachState(definition, (_name, state) => {
    waits ||= 'Timestamp' in state
  })
  if (!waits) return input
  const refused = history.map((event) => /date-time format string: (.*)$/s.exec(String(event.details['cause']))?.[1])
  const instant = refused.find((text) => text !== undefined) ?? SOME_INSTANT
  const text = JSON.stringify(input, (_key, value: unknown) =>
    typeof value === 'string' && MASKED_INSTANTS.includes(value) ? instant : value,
  )
  const filled: Json = JSON.parse(text)
  if (text !== JSON.stringify(input)) notes.push(`instant in the input: ${instant}`)
  return filled
}

/**
 * An S3 whose objects hold the items that the Map's recorded output shows (and a few more where MaxItems cuts them off).
 * Good for Maps whose children return their input; others show a difference.
 */
function storeFrom(definition: Json, history: readonly RecordedEvent[], notes: string[]): ItemStore {
  let body = '[]'
  eachState(definition, (name, state) => {
    const reader = state['ItemReader']
    if (!isObject(reader)) return
    const exited = history.find((event) => event.type === 'MapStateExited' && event.details['name'] === name)
    const output = payload(exited?.details['output'])
    const items = (Array.isArray(output) ? output : []).flatMap((item: Json): Json[] =>
      isObject(state['ItemBatcher']) && isObject(item) && Array.isArray(item['Items']) ? item['Items'] : [item],
    )
    const config = isObject(reader['ReaderConfig']) ? reader['ReaderConfig'] : {}
    if (config['MaxItems'] !== undefined) items.push(...items.slice(0, 1), ...items.slice(0, 1))
    body = bodyOf(items, config['InputType'])
    notes.push(`S3 object read by '${name}' from the items in its output`)
  })
  return { getObject: async () => body, putObject: async () => undefined }
}

function cell(value: unknown): string {
  return `"${String(value).replaceAll('"', '""')}"`
}

function bodyOf(items: readonly Json[], inputType: unknown): string {
  if (inputType === 'JSONL') return items.map((item) => JSON.stringify(item)).join('\n')
  if (inputType !== 'CSV') return JSON.stringify(items)
  const headers = Object.keys(isObject(items[0]) ? items[0] : {})
  const rows = items.map((item) => headers.map((header) => cell(isObject(item) ? item[header] : '')).join(','))
  return [headers.map(cell).join(','), ...rows].join('\n')
}

function eachState(value: unknown, visit: (name: string, state: Record<string, unknown>) => void): void {
  if (Array.isArray(value)) for (const item of value) eachState(item, visit)
  if (!isObject(value)) return
  if (isObject(value['States'])) {
    for (const [name, state] of Object.entries(value['States'])) if (isObject(state)) visit(name, state)
  }
  for (const child of Object.values(value)) eachState(child, visit)
}

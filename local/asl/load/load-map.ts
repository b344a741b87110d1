import type { DistributedOptions, ItemBatcher, ItemReader, ReaderFormat, ResultWriter } from '../definition.ts'
import { isObject } from '../json.ts'
import { LIMITS } from '../limits.ts'
import type { Fields } from './fields.ts'

export const DISTRIBUTED_FIELDS = [
  'ItemReader',
  'ItemBatcher',
  'ResultWriter',
  'ToleratedFailureCount',
  'ToleratedFailurePercentage',
  'Label',
] as const

const GET_OBJECT = /^arn:aws[a-z-]*:states:::s3:getObject$/
const PUT_OBJECT = /^arn:aws[a-z-]*:states:::s3:putObject$/
/** Step Functions refuses these in a Label: it becomes a part of ARNs. */
const NOT_IN_LABEL = /[\s?*<>{}[\]:;,\\|^~$#%&`"/]/u

const DELIMITERS = { COMMA: ',', PIPE: '|', SEMICOLON: ';', SPACE: ' ', TAB: '\t' } as const

/** Reads the fields that only a distributed Map has; undefined for an inline one. */
export function readDistributedOptions(state: Fields): DistributedOptions | undefined {
  const config = state.object('ItemProcessor')?.object('ProcessorConfig')
  config?.allowOnly(['Mode', 'ExecutionType'])
  const mode = config?.oneOf('Mode', ['INLINE', 'DISTRIBUTED'], 'INLINE') ?? 'INLINE'
  if (mode === 'INLINE') {
    if (config?.has('ExecutionType')) config.complain('ExecutionType', 'ExecutionType needs Mode DISTRIBUTED')
    for (const name of DISTRIBUTED_FIELDS) {
      if (state.has(name)) state.complain(name, `Field '${name}' needs ProcessorConfig.Mode DISTRIBUTED`)
    }
    return undefined
  }
  config?.require('ExecutionType')
  return {
    executionType: config?.oneOf('ExecutionType', ['STANDARD', 'EXPRESS'], 'STANDARD') ?? 'STANDARD',
    label: readLabel(state),
    reader: readReader(state),
    batcher: readBatcher(state),
    writer: readWriter(state),
    toleratedFailureCount: state.numberOrExpression('ToleratedFailureCount', { min: 0 }),
    toleratedFailurePercentage: state.numberOrExpression('ToleratedFailurePercentage', {
      min: 0,
      max: 100,
      fractions: true,
    }),
  }
}

function readLabel(state: Fields): string | undefined {
  const label = state.text('Label')
  if (label !== undefined && (label.length === 0 || label.length > 40 || NOT_IN_LABEL.test(label))) {
    state.complain(
      'Label',
      'A Label has 1 to 40 characters and no white space, brackets, wildcards or special characters',
    )
  }
  return label
}

function readReader(state: Fields): ItemReader | undefined {
  const fields = state.object('ItemReader')
  if (fields === undefined) return undefined
  if (state.has('Items')) state.complain('Items', 'Items and ItemReader exclude each other')
  fields.allowOnly(['Resource', 'Arguments', 'ReaderConfig'])
  const resource = fields.text('Resource') ?? ''
  if (!GET_OBJECT.test(resource)) {
    fields.complain('Resource', `'${resource}' is not supported: only arn:aws:states:::s3:getObject is`)
  }
  const config = fields.object('ReaderConfig')
  if (config === undefined) fields.require('ReaderConfig')
  fields.require('Arguments')
  fields.object('Arguments')?.allowOnly(['Bucket', 'Key'], { VersionId: 'VersionId is not supported' })
  return {
    resource,
    arguments: fields.template('Arguments', { prefix: 'ItemReader/' }) ?? { kind: 'constant', value: {}, location: '' },
    format: config === undefined ? { type: 'JSONL' } : readFormat(config),
    maxItems: config?.numberOrExpression('MaxItems', { min: 1, max: 100_000_000 }, 'ItemReader/ReaderConfig/'),
  }
}

function readFormat(config: Fields): ReaderFormat {
  config.require('InputType')
  const type = config.oneOf('InputType', ['JSON', 'JSONL', 'CSV'], 'JSONL')
  const csvFields = ['CSVHeaderLocation', 'CSVHeaders', 'CSVDelimiter']
  config.allowOnly([
    'InputType',
    'MaxItems',
    ...(type === 'CSV' ? csvFields : []),
    ...(type === 'JSON' ? ['ItemsPointer'] : []),
  ])
  if (type === 'JSON') return { type, pointer: readPointer(config) }
  if (type === 'JSONL') return { type }
  config.require('CSVHeaderLocation')
  const location = config.oneOf('CSVHeaderLocation', ['FIRST_ROW', 'GIVEN'], 'FIRST_ROW')
  const headers = config.values['CSVHeaders']
  const isList = Array.isArray(headers) && headers.length > 0 && headers.every((header) => typeof header === 'string')
  if (location === 'GIVEN' && !isList)
    config.complain('CSVHeaders', 'Expected a list of names, because CSVHeaderLocation is GIVEN')
  if (location === 'FIRST_ROW' && headers !== undefined) {
    config.complain('CSVHeaders', 'CSVHeaders needs CSVHeaderLocation GIVEN')
  }
  const delimiter = config.oneOf('CSVDelimiter', ['COMMA', 'PIPE', 'SEMICOLON', 'SPACE', 'TAB'], 'COMMA')
  return { type, delimiter: DELIMITERS[delimiter], headers: isList ? headers : undefined }
}

function readPointer(config: Fields): string | undefined {
  const pointer = config.text('ItemsPointer')
  if (pointer !== undefined && !/^(\/([^~]|~[01])*)?$/.test(pointer)) {
    config.complain('ItemsPointer', 'Expected a JSON pointer such as /guests/items')
  }
  return pointer
}

function readBatcher(state: Fields): ItemBatcher | undefined {
  const fields = state.object('ItemBatcher')
  if (fields === undefined) return undefined
  fields.allowOnly(['MaxItemsPerBatch', 'MaxInputBytesPerBatch', 'BatchInput'])
  if (!fields.has('MaxItemsPerBatch') && !fields.has('MaxInputBytesPerBatch')) {
    fields.complain('', 'Set MaxItemsPerBatch, MaxInputBytesPerBatch or both')
  }
  const prefix = 'ItemBatcher/'
  return {
    maxItems: fields.numberOrExpression('MaxItemsPerBatch', { min: 1 }, prefix),
    maxBytes: fields.numberOrExpression('MaxInputBytesPerBatch', { min: 1, max: LIMITS.payloadBytes }, prefix),
    batchInput: fields.typed('BatchInput', isObject, 'an object', prefix),
  }
}

function readWriter(state: Fields): ResultWriter | undefined {
  const fields = state.object('ResultWriter')
  if (fields === undefined) return undefined
  fields.allowOnly(['Resource', 'Arguments', 'WriterConfig'])
  const config = fields.object('WriterConfig')
  config?.allowOnly(['Transformation', 'OutputType'])
  const outputType = config?.oneOf('OutputType', ['JSON', 'JSONL'], 'JSON') ?? 'JSON'
  const transformation = config?.oneOf('Transformation', ['NONE', 'COMPACT', 'FLATTEN'], 'NONE') ?? undefined
  if (!fields.has('Resource')) {
    if (fields.has('Arguments')) fields.complain('Arguments', 'Arguments needs Resource')
    if (config === undefined) fields.complain('', 'ResultWriter must not be empty')
    if (outputType === 'JSONL') config?.complain('OutputType', 'JSONL is only supported together with Resource')
    return { destination: undefined, transformation, outputType }
  }
  const resource = fields.text('Resource') ?? ''
  if (!PUT_OBJECT.test(resource)) {
    fields.complain('Resource', `'${resource}' is not supported: only arn:aws:states:::s3:putObject is`)
  }
  fields.require('Arguments')
  fields.object('Arguments')?.allowOnly(['Bucket', 'Prefix'])
  const destination = {
    resource,
    arguments: fields.template('Arguments', { prefix: 'ResultWriter/' }) ?? {
      kind: 'constant' as const,
      value: {},
      location: '',
    },
  }
  return { destination, transformation, outputType }
}

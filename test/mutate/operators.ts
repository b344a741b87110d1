import { child, children, type SyntaxNode } from './syntax.ts'

/** The text that stands in place of a range of the source. */
export interface Replacement {
  start: number
  end: number
  text: string
}

interface Place {
  node: SyntaxNode
  /** What it stands in, the innermost first. */
  within: readonly SyntaxNode[]
  source: string
}

type Operator = (place: Place) => Replacement[]

const COMPARISONS: Record<string, string[]> = {
  '<': ['<=', '>='],
  '<=': ['<', '>'],
  '>': ['>=', '<='],
  '>=': ['>', '<'],
  '===': ['!=='],
  '!==': ['==='],
}
const ARITHMETIC: Record<string, string> = { '+': '-', '-': '+', '*': '/', '/': '*', '%': '*', '**': '*' }
const ASSIGNMENTS: Record<string, string> = { '+=': '-=', '-=': '+=', '*=': '/=', '||=': '&&=', '??=': '=' }
/** A call by another name. */
const RENAMED: Record<string, string> = {
  some: 'every',
  every: 'some',
  min: 'max',
  max: 'min',
  ceil: 'floor',
  floor: 'ceil',
  round: 'floor',
  startsWith: 'endsWith',
  endsWith: 'startsWith',
  find: 'findLast',
  findLast: 'find',
  findIndex: 'findLastIndex',
  indexOf: 'lastIndexOf',
  lastIndexOf: 'indexOf',
}
/** Calls that give something like what they are called on. */
const DROPPED = new Set(
  'filter sort toSorted reverse toReversed slice trim trimEnd trimStart toLowerCase toUpperCase padStart padEnd'.split(
    ' ',
  ),
)

function textOf(source: string, { start, end }: SyntaxNode): string {
  return source.slice(start, end)
}

function whole({ start, end }: SyntaxNode, text: string): Replacement {
  return { start, end, text }
}

/** Two operands with another sign between them. */
function signed({ node, source }: Place, sign: string): Replacement[] {
  const left = child(node, 'left')
  const right = child(node, 'right')
  if (left === undefined || right === undefined) return []
  const at = source.indexOf(String(node['operator']), left.end)
  return [{ start: at, end: at + String(node['operator']).length, text: sign }]
}

const conditions: Operator = ({ node, within, source }) => {
  const test = child(node, 'test')
  if (test === undefined || node.type === 'SwitchCase' || test.type === 'Literal') return []
  if (/^(While|DoWhile|For)Statement$/.test(node.type)) return [whole(test, 'false')]
  // `...(x === undefined ? {} : { x })`: a field that is undefined is as good as none.
  if (within[0]?.type === 'SpreadElement' && textOf(source, test).endsWith('=== undefined'))
    return [whole(test, 'true')]
  return [whole(test, 'true'), whole(test, 'false')]
}

const comparisons: Operator = (place) =>
  place.node.type === 'BinaryExpression'
    ? (COMPARISONS[String(place.node['operator'])] ?? []).flatMap((sign) => signed(place, sign))
    : []

const operands: Operator = ({ node, source }) => {
  const left = child(node, 'left')
  const right = child(node, 'right')
  if (node.type !== 'LogicalExpression' || left === undefined || right === undefined) return []
  return [whole(node, textOf(source, left)), whole(node, `(${textOf(source, right)})`)]
}

const arithmetic: Operator = (place) => {
  const { node, source } = place
  const sign = node.type === 'BinaryExpression' ? ARITHMETIC[String(node['operator'])] : undefined
  // Text that is put together is no sum.
  if (sign === undefined || /^['"`]|['"`]$/.test(textOf(source, node))) return []
  return signed(place, sign)
}

const assignments: Operator = (place) => {
  const sign = place.node.type === 'AssignmentExpression' ? ASSIGNMENTS[String(place.node['operator'])] : undefined
  return sign === undefined ? [] : signed(place, sign)
}

const unary: Operator = ({ node, source }) => {
  const argument = child(node, 'argument')
  if (argument === undefined) return []
  if (node.type === 'UnaryExpression' && (node['operator'] === '!' || node['operator'] === '-')) {
    return [whole(node, textOf(source, argument))]
  }
  if (node.type !== 'UpdateExpression') return []
  return [
    whole(
      node,
      textOf(source, node).replace(/\+\+|--/, (sign) => (sign === '++' ? '--' : '++')),
    ),
  ]
}

/** Places where a literal is a name or a pattern of the language, not a value. */
function isName(node: SyntaxNode, parent: SyntaxNode | undefined): boolean {
  if (parent === undefined || parent.type === 'ExpressionStatement') return true
  return (child(parent, 'key') === node && parent['computed'] !== true) || parent.type === 'ImportExpression'
}

const literals: Operator = ({ node, within }) => {
  if (node.type !== 'Literal' || isName(node, within[0])) return []
  const { value } = node
  if (typeof value === 'boolean') return [whole(node, String(!value))]
  if (typeof value === 'number') return [whole(node, anotherNumber(value))]
  // Words of a sentence are prose, not behaviour.
  if (typeof value === 'string' && !/\S\s|\s\S/.test(value)) return [whole(node, value === '' ? "'mutant'" : "''")]
  return []
}

/** Counts by one, since their edges matter; sizes and durations by much, since being off by one is no fault of theirs. */
function anotherNumber(value: number): string {
  return String(value < 10 ? value + 1 : value * 2)
}

const templates: Operator = ({ node, within, source }) => {
  if (node.type !== 'TemplateLiteral' || within[0]?.type === 'TaggedTemplateExpression') return []
  const prose = children(node, 'quasis').some((part) => /\s/.test(textOf(source, part)))
  return prose ? [] : [whole(node, '``')]
}

const anchors: Operator = ({ node, source }) => {
  if (node['regex'] === undefined) return []
  const text = textOf(source, node)
  const dropped = [text.replace(/^\/\^/, '/'), text.replace(/(?<!\\)\$(\/[a-z]*)$/, '$1')]
  return dropped.filter((one) => one !== text && !one.startsWith('//')).map((one) => whole(node, one))
}

const calls: Operator = ({ node, source }) => {
  const callee = child(node, 'callee')
  if (node.type !== 'CallExpression' || callee?.type !== 'MemberExpression') return []
  const property = child(callee, 'property')
  const object = child(callee, 'object')
  if (property === undefined || object === undefined || property.type !== 'Identifier') return []
  const name = String(property['name'])
  const renamed = Object.hasOwn(RENAMED, name) ? RENAMED[name] : undefined
  if (renamed !== undefined) return [whole(property, renamed)]
  return DROPPED.has(name) ? [whole(node, textOf(source, object))] : []
}

/** What an object or a list takes over from another. */
const spreads: Operator = ({ node, source }) => {
  const argument = node.type === 'SpreadElement' ? child(node, 'argument') : undefined
  // Of a spread choice, both answers are tried already.
  if (argument === undefined || argument.type === 'ConditionalExpression') return []
  const comma = /^\s*,/.exec(source.slice(node.end))?.[0].length ?? 0
  return [{ start: node.start, end: node.end + comma, text: '' }]
}

/** What is logged is for people, as the words of an error are. */
const LOGS = /^(?:ports\.|this\.)?log\(/
const STATEMENTS = new Set(['ExpressionStatement', 'ThrowStatement', 'BreakStatement', 'ContinueStatement'])

const statements: Operator = ({ node, within }) => {
  const [parent, holder] = within
  if (parent === undefined || !(STATEMENTS.has(node.type) || isBareReturn(node))) return []
  // Alone under a condition, its removal is that condition never being met.
  const alone =
    parent.type === 'IfStatement' ||
    (parent.type === 'BlockStatement' && children(parent, 'body').length === 1 && holder?.type === 'IfStatement')
  return alone ? [] : [whole(node, ';')]
}

function isBareReturn(node: SyntaxNode): boolean {
  return node.type === 'ReturnStatement' && child(node, 'argument') === undefined
}

const awaits: Operator = ({ node, within, source }) => {
  const argument = node.type === 'AwaitExpression' ? child(node, 'argument') : undefined
  // A promise that nobody waits for is refused by the linter.
  return argument === undefined || within[0]?.type === 'ExpressionStatement'
    ? []
    : [whole(node, textOf(source, argument))]
}

const blocks: Operator = ({ node, within }) => {
  const [parent] = within
  if (node.type !== 'BlockStatement' || children(node, 'body').length === 0) return []
  // Everything else is tried by the conditions and the single statements.
  const emptied = /Function|CatchClause/.test(parent?.type ?? '')
  return emptied && children(node, 'body').length > 1 ? [whole(node, '{}')] : []
}

const OPERATORS: readonly Operator[] = [
  conditions,
  comparisons,
  operands,
  arithmetic,
  assignments,
  unary,
  literals,
  templates,
  anchors,
  calls,
  spreads,
  statements,
  awaits,
  blocks,
]

/** Every change that is worth a try at this node. */
export function changesOf(place: Place): Replacement[] {
  if ([place.node, ...place.within].some((one) => LOGS.test(textOf(place.source, one)))) return []
  return OPERATORS.flatMap((operator) => operator(place))
}

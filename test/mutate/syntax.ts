import { parseAst } from 'rolldown/parseAst'

/** A node of the syntax tree; positions are those of the source text. */
export interface SyntaxNode {
  type: string
  start: number
  end: number
  [field: string]: unknown
}

export function parse(source: string): SyntaxNode {
  return parseAst(source, { lang: 'ts', sourceType: 'module' }) as unknown as SyntaxNode
}

export function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
}

/** The child in a field, if there is one. */
export function child(node: SyntaxNode, field: string): SyntaxNode | undefined {
  const value = node[field]
  return isNode(value) ? value : undefined
}

export function children(node: SyntaxNode, field: string): SyntaxNode[] {
  const value = node[field]
  return Array.isArray(value) ? value.filter(isNode) : []
}

/** Types are no behaviour; what stands in them is an expression all the same. */
const TRANSPARENT = new Set([
  'TSAsExpression',
  'TSNonNullExpression',
  'TSSatisfiesExpression',
  'TSInstantiationExpression',
])

/** Every node that says something at run time, with those that it stands in, the innermost first. */
export function* runtimeNodes(
  node: SyntaxNode,
  within: readonly SyntaxNode[] = [],
): Generator<[SyntaxNode, readonly SyntaxNode[]]> {
  if (/^Import(?!Expression)/.test(node.type) || node.type.startsWith('ExportAll')) return
  if (node.type.startsWith('TS') && !TRANSPARENT.has(node.type)) return
  yield [node, within]
  const around = [node, ...within]
  for (const value of Object.values(node)) {
    for (const one of Array.isArray(value) ? value : [value]) if (isNode(one)) yield* runtimeNodes(one, around)
  }
}

import { isObject } from './json.ts'

/**
 * What AWS refuses in an expression when the state machine is created, although it parses:
 * a path that starts from a context item (there is none: the input is `$states.input`), `$$`, and `$states.errorOutput` outside a Catch.
 * Returns AWS's message, or undefined for an expression that passes.
 */
export function unsupportedExpression(ast: unknown, place: { readonly inCatch: boolean }): string | undefined {
  const topLevelName = findTopLevelName(ast)
  if (topLevelName !== undefined) {
    return `UNSUPPORTED_JSONATA_EXPRESSION: Reference to '${topLevelName}' at the top level is not supported.`
  }
  if (contains(ast, (node) => node['type'] === 'variable' && node['value'] === '$')) {
    return "UNSUPPORTED_JSONATA_EXPRESSION: Reference to '$$' is not supported."
  }
  if (!place.inCatch && contains(ast, isErrorOutput)) {
    return "UNSUPPORTED_JSONATA_EXPRESSION: Reference to '$states.errorOutput' is only supported in a Catch."
  }
  return undefined
}

function isErrorOutput(node: Record<string, unknown>): boolean {
  const [first, second] = node['type'] === 'path' && Array.isArray(node['steps']) ? node['steps'] : []
  return isNode(first, 'variable', 'states') && isNode(second, 'name', 'errorOutput')
}

function isNode(node: unknown, type: string, value: string): boolean {
  return isObject(node) && node['type'] === type && node['value'] === value
}

function contains(node: unknown, wanted: (node: Record<string, unknown>) => boolean): boolean {
  if (Array.isArray(node)) return node.some((child) => contains(child, wanted))
  if (!isObject(node)) return false
  return wanted(node) || Object.values(node).some((child) => contains(child, wanted))
}

/**
 * Walks only the parts of the tree that are evaluated against the top-level context. Later steps of a path, predicates, sort terms, groupings and
 * transforms have a context of their own. A lambda's body keeps the context of the expression that defines it.
 */
function findTopLevelName(node: unknown): string | undefined {
  if (Array.isArray(node)) return firstOf(node)
  if (!isObject(node)) return undefined
  switch (node['type']) {
    case 'name':
      return String(node['value'])
    case 'path':
      return Array.isArray(node['steps']) ? findTopLevelName(node['steps'][0]) : undefined
    case 'transform':
    case 'sort':
      return undefined
    default:
      return firstOf([
        node['lhs'],
        node['rhs'],
        node['expression'],
        node['expressions'],
        node['condition'],
        node['then'],
        node['else'],
        node['procedure'],
        node['type'] === 'lambda' ? undefined : node['arguments'],
        node['body'],
      ])
  }
}

function firstOf(nodes: readonly unknown[]): string | undefined {
  for (const node of nodes) {
    const found = findTopLevelName(node)
    if (found !== undefined) return found
  }
  return undefined
}

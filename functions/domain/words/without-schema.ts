/**
 * What a file says without its `"$schema"`, which names the JSON Schema that an editor checks the file by. Nothing here
 * reads it, and it is kept nowhere.
 */
export function withoutSchema(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const { $schema, ...rest } = value as Record<string, unknown>
  // Anything but a text is a mistake, and named as one.
  return $schema === undefined || typeof $schema === 'string' ? rest : value
}

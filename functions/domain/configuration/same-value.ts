/** Whether two values of JSON are the same, whatever the order of their fields. */
export function sameValue(one: unknown, other: unknown): boolean {
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return one === other
  if (Array.isArray(one) !== Array.isArray(other)) return false
  const [fields, others] = [new Map(Object.entries(one)), new Map(Object.entries(other))]
  return (
    fields.size === others.size &&
    [...fields].every(([name, value]) => others.has(name) && sameValue(value, others.get(name)))
  )
}

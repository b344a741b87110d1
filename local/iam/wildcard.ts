/** Patterns of policies: `*` stands for any text, `?` for one character. */

const known = new Map<string, RegExp>()

/** Whether a text is what a pattern says, in the letters' own case. */
export function like(pattern: string, text: string): boolean {
  return compiled(pattern, () => sourceOf(pattern)).test(text)
}

/**
 * Whether an ARN is what a pattern says. A `*` within one of an ARN's first five segments ends with it, unless it is the
 * segment's last character: then it reaches beyond (IAM user guide, "IAM JSON policy elements: Resource").
 */
export function likeArn(pattern: string, arn: string): boolean {
  return compiled(`arn ${pattern}`, () => arnSource(pattern)).test(arn)
}

function arnSource(pattern: string): string {
  const segments = pattern.split(':')
  const fixed = segments.slice(0, 5).map((segment) => {
    const open = segment.endsWith('*')
    return sourceOf(open ? segment.slice(0, -1) : segment, '[^:]') + (open ? '[^]*' : '')
  })
  return [...fixed, ...segments.slice(5).map((segment) => sourceOf(segment))].join(':')
}

function sourceOf(pattern: string, any = '[^]'): string {
  return pattern
    .replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll('*', `${any}*`)
    .replaceAll('?', any)
}

function compiled(name: string, source: () => string): RegExp {
  const there = known.get(name) ?? new RegExp(`^${source()}$`)
  known.set(name, there)
  return there
}

/** Which members of a container's archive are meant: by paths and patterns as a person types them. */

export interface FilePattern {
  text: string
  /** How every path begins that fits: what stands before the first `*` or `?`. */
  beginning: string
  fits(path: string): boolean
}

/** A member's name as a path from the container's root: `./etc/hostname` is `etc/hostname`. */
export function memberPath(name: string): string {
  return name.replace(/^(?:\.?\/)+/, '').replace(/\/+$/, '')
}

/**
 * A path, or a pattern: `*` and `?` stand for anything but a slash, `**` for that, too. What lies below a folder that fits
 * is meant with it.
 */
export function filePattern(text: string): FilePattern {
  const path = memberPath(text)
  const source = path.replaceAll(/\*\*\/?|[*?]|[.+^${}()|[\]\\]/g, (found) => {
    if (found === '**/') return '(?:.*/)?'
    if (found === '**') return '.*'
    if (found === '*') return '[^/]*'
    return found === '?' ? '[^/]' : `\\${found}`
  })
  const shape = path === '' ? /^/ : new RegExp(`^${source}(?:/.*)?$`, 's')
  return { text, beginning: path.replace(/[*?].*$/s, ''), fits: (member) => shape.test(member) }
}

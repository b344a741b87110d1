import { execFileSync, spawnSync } from 'node:child_process'

/** Per file, the lines that differ: from the first to the last of each stretch, counted from one. */
export type ChangedLines = Map<string, [first: number, last: number][]>

/**
 * What to compare with when nobody says: the commit where the branch left the one it follows, or else, when it follows none
 * or has nothing of its own, the commit before. `undefined`: there is none, or no history at all.
 */
export function lastBase(root: string): string | undefined {
  const own = commitOf(['merge-base', 'HEAD', '@{upstream}'], root)
  return own === undefined || own === commitOf(['rev-parse', 'HEAD'], root)
    ? commitOf(['rev-parse', '--verify', '--quiet', 'HEAD~1'], root)
    : own
}

function commitOf(args: readonly string[], root: string): string | undefined {
  const { status, stdout } = spawnSync('git', args, { cwd: root, encoding: 'utf8' })
  return status === 0 ? stdout.trim() : undefined
}

/** What the working tree has otherwise than the commit where it parted from `ref`. @throws Error when git can't say */
export function changedSince(ref: string, root: string): ChangedLines {
  const args = ['diff', '--merge-base', '--unified=0', '--no-color', '--no-ext-diff', '--diff-filter=d', ref, '--']
  return readDiff(execFileSync('git', args, { cwd: root, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 }))
}

/** A unified diff without context. A stretch where lines were only removed is the line on either side. */
export function readDiff(text: string): ChangedLines {
  const changed: ChangedLines = new Map()
  let stretches: [number, number][] = []
  for (const line of text.split('\n')) {
    const file = /^\+\+\+ b\/(.*)$/.exec(line)?.[1]
    if (file !== undefined) {
      stretches = []
      changed.set(file, stretches)
    }
    const [, start, count = '1'] = /^@@ -\S+ \+(\d+)(?:,(\d+))? @@/.exec(line) ?? []
    if (start === undefined) continue
    const first = Number(start)
    stretches.push(count === '0' ? [first, first + 1] : [first, first + Number(count) - 1])
  }
  return changed
}

export function touches(stretches: readonly [number, number][], line: number, lastLine: number): boolean {
  return stretches.some(([first, last]) => line <= last && lastLine >= first)
}

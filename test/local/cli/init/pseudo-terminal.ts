/** A command in a terminal, with somebody who reads and types: over `script` of util-linux, which Debian always has. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'

/** Others than that of util-linux take other options. */
export const hasTerminal = (() => {
  try {
    return execFileSync('script', ['--version'], { encoding: 'utf8' }).includes('util-linux')
  } catch {
    return false
  }
})()
if (!hasTerminal) console.warn('skipped: no script (util-linux)')

/** This checkout's, or the one of an installed package (`npm run package`). */
const launcher =
  process.env['GUESTLIFT_LAUNCHER'] ?? fileURLToPath(new URL('../../../../bin/guestlift.js', import.meta.url))

/** What is typed once a text is seen. Enter is part of it. */
export type Answer = readonly [seen: string, typed: string]

export interface Session {
  /** All that was shown, without colours and movements. */
  shown: string
  code: number | null
  /** Answers of more than Enter alone. */
  typed: number
}

/** Run `guestlift` in a terminal of 80 columns and answer it. Fails when it ends, or shows something else, before. */
export async function guestliftInTerminal(
  words: readonly string[],
  answers: readonly Answer[],
  { cwd, env }: { cwd: string; env: Readonly<Record<string, string>> },
): Promise<Session> {
  const command = ['node', launcher, ...words].map((word) => `'${word}'`).join(' ')
  const child = spawn('script', ['-qefc', `stty cols 80 rows 40; exec ${command}`, '/dev/null'], {
    cwd,
    env: { ...env, TERM: 'xterm' },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  return converse(child, answers)
}

async function converse(child: ChildProcess, answers: readonly Answer[]): Promise<Session> {
  const waiting = [...answers]
  let shown = ''
  let readTo = 0
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    shown += chunk
    const text = stripVTControlCharacters(shown)
    for (let [next] = waiting; next !== undefined; [next] = waiting) {
      const at = text.indexOf(next[0], readTo)
      if (at < 0) return
      readTo = at + next[0].length
      waiting.shift()
      child.stdin?.write(next[1])
    }
  })
  const [code] = (await once(child, 'close')) as [number | null]
  const [left] = waiting
  if (left !== undefined) throw new Error(`"${left[0]}" was never shown:\n${stripVTControlCharacters(shown)}`)
  return {
    shown: stripVTControlCharacters(shown),
    code,
    typed: answers.filter(([, typed]) => typed !== '\r').length,
  }
}

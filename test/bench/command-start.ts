/** `node test/bench/command-start.ts`: how long `guestlift --version` of the package takes, beside a Node.js that does nothing. */
import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { median, rounded } from './statistics.ts'

const TURNS = 21
const root = fileURLToPath(new URL('../..', import.meta.url))
if (!existsSync(join(root, 'dist'))) execFileSync('npm', ['run', '--silent', 'build'], { cwd: root, stdio: 'inherit' })

// As it is installed: where sources are beside it, the launcher would run those.
const installed = mkdtempSync(join(tmpdir(), 'guestlift-start-'))
mkdirSync(join(installed, 'bin'))
for (const file of readdirSync(join(root, 'bin')).filter((name) => name.endsWith('.js'))) {
  copyFileSync(join(root, 'bin', file), join(installed, 'bin', file))
}
copyFileSync(join(root, 'package.json'), join(installed, 'package.json'))
symlinkSync(join(root, 'dist'), join(installed, 'dist'))

const env = { PATH: process.env['PATH'], GUESTLIFT_HOME: join(installed, 'home') }
const subjects = {
  'node -e 0': ['-e', '0'],
  'guestlift --version, installed': [join(installed, 'bin', 'guestlift.js'), '--version'],
  'guestlift --version, from sources': [join(root, 'bin', 'guestlift.js'), '--version'],
}
const taken = new Map(Object.keys(subjects).map((name) => [name, [] as number[]]))
try {
  // The first turn leaves what Node.js compiled, and doesn't count. They take turns, so that a busy machine is busy for all.
  for (let turn = 0; turn <= TURNS; turn++) {
    for (const [name, words] of Object.entries(subjects)) {
      const at = performance.now()
      execFileSync(process.execPath, words, { env })
      if (turn > 0) taken.get(name)?.push(performance.now() - at)
    }
  }
} finally {
  rmSync(installed, { recursive: true })
}
const floor = median(taken.get('node -e 0') ?? [])
const rows = [...taken].map(([name, all]) => {
  const milliseconds = median(all)
  return {
    what: name,
    milliseconds: rounded(milliseconds, 0),
    fastest: rounded(Math.min(...all), 0),
    ratio: rounded(milliseconds / floor, 1),
  }
})
console.table(rows)

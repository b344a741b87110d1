/** `npm run release -- <version>`: makes the commit and the tag of a version. It pushes nothing. */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { releaseChangelog } from './changelog.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const run = (program: string, ...words: string[]): string =>
  execFileSync(program, words, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })

function release(version: string | undefined): void {
  if (version === undefined || !/^\d+\.\d+\.\d+$/.test(version)) {
    throw new Error('Say which version, as npm run release -- 0.2.0')
  }
  if (run('git', 'status', '--porcelain') !== '')
    throw new Error('Something is not committed. Commit or stash it first.')
  const tag = `v${version}`
  if (run('git', 'tag', '--list', tag) !== '') throw new Error(`The tag ${tag} is there already.`)
  const changelog = `${root}CHANGELOG.md`
  const released = releaseChangelog(readFileSync(changelog, 'utf8'), version, new Date().toISOString().slice(0, 10))

  // From here on something is written; git has all that was there before.
  writeFileSync(changelog, released)
  run('npm', 'version', version, '--no-git-tag-version', '--allow-same-version')
  run('npm', 'run', '--silent', 'schemas', '--', `test/released-schemas/${version}`)
  run('git', 'add', '--all')
  run('git', 'commit', '--quiet', '--message', `Release ${version}`)
  run('git', 'tag', '--annotate', tag, '--message', `Guestlift ${version}`)
  process.stdout.write(
    `Version ${version} is committed and tagged as ${tag}. Look at it with git show, and when CI has passed:\n` +
      `  git push --follow-tags\n  npm pack\nTo take it back: git tag -d ${tag} && git reset --hard HEAD~1\n`,
  )
}

try {
  release(process.argv[2])
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}

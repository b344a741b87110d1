const UNRELEASED = '## Unreleased\n'

/**
 * The changelog with what is unreleased under the heading of a version.
 * @param day as `2026-11-30`
 * @throws an Error when nothing is unreleased
 */
export function releaseChangelog(text: string, version: string, day: string): string {
  const [before = '', rest] = text.split(UNRELEASED)
  const changes = rest?.split(/^## /m)[0]?.trim() ?? ''
  if (rest === undefined || (!changes.includes('\n- ') && !changes.startsWith('- '))) {
    throw new Error('CHANGELOG.md has no line under "## Unreleased": there is nothing to release.')
  }
  return `${before}${UNRELEASED}\n## ${version} (${day})\n${rest}`
}

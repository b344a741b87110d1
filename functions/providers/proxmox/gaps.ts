/** What of its guest an archive leaves out, as the job's log says it. */
import type { Gap } from '../../contracts/grade.ts'
import type { OpeningLine } from './opening-line.ts'

/**
 * What each line means (qemu-server 9.2.6, pve-container 6.1.10). Not here, since nothing is lost by it: sections of the
 * configuration that qemu-server keeps for itself and makes anew, CD drives, and a container's temporary files.
 */
const MEANINGS: readonly [RegExp, (found: readonly string[]) => Gap | undefined][] = [
  [
    /^exclude disk '(.+)' '(.+)' \((.+)\)$/,
    ([key, volume, why]) => chosen('disks', `the disk ${key} (${volume}; ${why})`),
  ],
  [
    /^excluding (\w+) mount point (\S+) \('(.*)'\) from backup(?: \(.+\))?$/,
    ([type, key, at]) => chosen('disks', `the ${type} mount point ${key} (${at})`),
  ],
  [
    /^skip unused drive '(.+)' \(not included into backup\)$/,
    ([volume]) => chosen('unused-disks', `the unused disk ${volume}`),
  ],
  [/^snapshots found \(not included into backup\)$/, () => SNAPSHOTS],
  [/^pending configuration changes found \(not included into backup\)$/, () => PENDING_CHANGES],
  [/^special config section found \(not included into backup\)$/, () => undefined],
  [
    /^temporary directory is on NFS, disabling xattr and acl support\b/,
    () => ({
      name: 'extended-attributes',
      what: 'extended attributes and access control lists of files: the temporary directory is on NFS',
      advice: 'Set tmpdir to a local directory in /etc/vzdump.conf on the node.',
    }),
  ],
  // A newer version may leave out more, in the same words.
  [/^(.+) \(not included into backup\)$/, ([what]) => ({ name: 'other', what: `what its log calls "${what}"` })],
]

export const SNAPSHOTS: Gap = {
  name: 'snapshots',
  what: "the guest's snapshots: it holds the present state alone",
  advice: 'Remove snapshots that nobody needs, or add "snapshots" to require.accept in the job.',
}

export const PENDING_CHANGES: Gap = {
  name: 'pending-changes',
  what: 'changes of the configuration that wait for the next start of the guest',
  advice: 'Restart the guest to apply them, or revert them.',
}

function chosen(name: Gap['name'], what: string): Gap {
  return { name, what, chosen: true }
}

/** As many as a report can bear; a guest may have dozens of disks, and one more gap is told in place of the rest. */
const MOST_GAPS = 40

/** @param own the lines of this guest alone */
export function gapsIn(own: readonly string[], opening: OpeningLine | undefined): Gap[] {
  // Said twice where the job fell back to another mode and looked at the guest anew.
  const lines = new Set(own.flatMap((line) => /^INFO: (.*)/.exec(line)?.[1] ?? []))
  const gaps = [...lines].flatMap((text) => meaningOf(text) ?? [])
  const excluded = opening?.options.get('exclude-path') ?? []
  if (excluded.length > 0) gaps.push(excludedFiles(excluded))
  if (gaps.length <= MOST_GAPS) return gaps
  const rest = gaps.length - MOST_GAPS
  return [...gaps.slice(0, MOST_GAPS), { name: 'other', what: `${rest} more that its log names` }]
}

function meaningOf(text: string): Gap | undefined {
  for (const [pattern, gapFrom] of MEANINGS) {
    const found = pattern.exec(text)
    if (found !== null) return gapFrom(found.slice(1))
  }
  return undefined
}

export function excludedFiles(patterns: readonly string[]): Gap {
  return chosen('files', `files that match ${patterns.join(', ')}`)
}

/** Which versions of Proxmox VE this provider speaks to. */
import { RequestRejected } from '../../contracts/errors.ts'

/** 7.4 is the oldest whose parameters and answers every call here was checked against. */
const OLDEST = { major: 7, minor: 4 }
export const OLDEST_VERSION = `${OLDEST.major}.${OLDEST.minor}`

/** `9.2.11`, `8.4.5`, `7.4-16`: the release is what stands before the second separator. */
function releaseOf(version: string): { major: number; minor: number } | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})(?:[.~-]|$)/.exec(version)
  return match === null ? undefined : { major: Number(match[1]), minor: Number(match[2]) }
}

/** True for a version that is at least `major.minor`; false also for one that can't be read. */
export function isAtLeast(version: string, major: number, minor: number): boolean {
  const release = releaseOf(version)
  return release !== undefined && (release.major > major || (release.major === major && release.minor >= minor))
}

/** Whether a release comes before another; false where either can't be read. */
export function isOlderRelease(version: string, other: string): boolean {
  const release = releaseOf(other)
  return releaseOf(version) !== undefined && release !== undefined && !isAtLeast(version, release.major, release.minor)
}

/**
 * Newer ones than are known pass: Proxmox keeps its calls through a major version and beyond.
 * @throws RequestRejected for one that is too old, naming it, and for a text that is no version: something else answers
 * there, and does so again however often it is asked
 */
export function requireSupportedVersion(version: string, site: string): void {
  if (releaseOf(version) === undefined) {
    throw new RequestRejected(
      `Site ${site}: what answered calls its version "${version.slice(0, 60)}", which no Proxmox VE does. Check the site's ` +
        'endpoints: is it Proxmox VE that listens there, or something in between?',
    )
  }
  if (isAtLeast(version, OLDEST.major, OLDEST.minor)) return
  throw new RequestRejected(
    `Site ${site} runs Proxmox VE ${version}. Guestlift needs ${OLDEST.major}.${OLDEST.minor} or later; older versions get no security updates either: upgrade the site.`,
  )
}

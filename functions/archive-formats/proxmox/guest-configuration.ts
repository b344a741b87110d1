/** Holds the configuration in an archive against its disks and against the guest that it should be of. */
import type { Guest } from '../../contracts/nouns.ts'
import type { DeviceEvidence, EmbeddedConfiguration, Finding } from '../../contracts/verification.ts'

export const VM_CONFIGURATION = 'qemu-server.conf'

/** Lines that the platform adds for the restore: `#qmdump#map:<drive>:<device>:<storage>:<format>:`. */
const mapLine = /^#qmdump#map:([^:\n]+):([^:\n]+):/gm
/** Devices that no drive of the configuration stands for. */
const WITHOUT_DRIVE = new Set(['vmstate'])

/** Each drive that a restore would create has its data, and the other way round. */
export function matchDrives(
  text: string,
  devices: readonly DeviceEvidence[],
): { findings: Finding[]; notes: string[] } {
  const drives = [...text.matchAll(mapLine)].map(([, drive, device]) => ({ drive, device }))
  const findings = drives
    .filter(({ device }) => !devices.some(({ name }) => name === device))
    .map(({ drive, device }) => ({
      code: 'drive-without-data',
      message: `The configuration's drive ${drive} has its data in ${device}, which the archive lacks.`,
    }))
  const notes = devices
    .filter(({ name }) => !WITHOUT_DRIVE.has(name) && !drives.some(({ device }) => device === name))
    .map(({ name }) => `No drive of the configuration uses the archive's ${name}: a restore passes over it.`)
  return { findings, notes }
}

/** What a guest is called in its configuration, if that says it. A section (`[…]`) is a snapshot, not the guest. */
export function nameIn(text: string, kind: Guest['kind']): string | undefined {
  const [own = ''] = text.split(/^\[/m)
  const line = kind === 'vm' ? /^name:[ \t]*(\S+)/m : /^hostname:[ \t]*(\S+)/m
  return line.exec(own)?.[1]
}

/**
 * The configuration as it may be shown: without the hash of cloud-init's password, which is of use to anyone who guesses
 * passwords. The archive keeps it, and so does a restore.
 */
export function shownConfiguration({ name, text }: EmbeddedConfiguration): EmbeddedConfiguration {
  return { name, text: text.replaceAll(/^cipassword:[^\n]*/gm, 'cipassword: (left out)') }
}

import type { PlatformTraits } from '../../../functions/providers/traits.ts'

/** What each platform can do, a block each: at most 80 columns wide. */
export function platformLines(platforms: Readonly<Record<string, PlatformTraits>>): string[] {
  return Object.entries(platforms).flatMap(([platform, traits], index) => [
    ...(index === 0 ? [] : ['']),
    `${traits.name} ("provider": "${platform}")`,
    ...facts(traits).map(([name, value]) => `  ${`${name}:`.padEnd(16)}${value}`),
  ])
}

function facts(traits: PlatformTraits): [string, string][] {
  const { flow, makes, turns, compression } = traits
  return [
    ['guests', traits.guestKinds.map((kind) => `${kind}s`).join(', ')],
    ['formats', traits.formats.join(', ')],
    ['live backup', yesNo(traits.liveBackup)],
    ['compression', compression.length === 0 ? 'none' : compression.join(', ')],
    ['snapshots', yesNo(traits.snapshots)],
    ['streaming', yesNo(traits.streaming)],
    ['incremental', yesNo(traits.incremental)],
    ['restore', traits.restore ? 'by one command, or by hand' : 'by hand'],
    ['site as well', traits.siteConfiguration ? 'storages, users, rights, networks, by "siteConfiguration"' : 'no'],
    ['several nodes', yesNo(traits.multiNode)],
    ['bytes', flow === 'copy' ? 'copied by Guestlift' : 'written to the bucket by the platform'],
    ['makes', makes === 'copy' ? 'a backup that may stay there' : 'a snapshot or export that is always removed'],
    ['queue', turns === undefined ? 'none' : `one backup at a time on a ${turns}`],
    ['API', traits.api],
  ]
}

function yesNo(value: boolean): string {
  return value ? 'yes' : 'no'
}

import { type BackupOptions, backupOptionsSchema } from '../../contracts/backup-options.ts'

/** Names of options that records have; those of other platforms than Proxmox VE stand in `own`. */
export type OptionKey = Exclude<keyof BackupOptions, 'own'>

/** What stands in a job whose writer asked for nothing. */
const unasked: BackupOptions = backupOptionsSchema.parse({})

/**
 * Options that a job asks for and a site's platform doesn't know, as a job spells them. What a job says anyway, because
 * it has a default, asks for nothing.
 */
export function foreignOptions(
  { own = {}, ...options }: BackupOptions,
  platform: string,
  known: readonly OptionKey[],
): string[] {
  const asked = (Object.keys(options) as OptionKey[]).filter(
    (name) => JSON.stringify(options[name]) !== JSON.stringify(unasked[name]),
  )
  return [
    ...asked.filter((name) => !known.includes(name)),
    ...Object.keys(own).filter((name) => name !== platform),
  ].map((name) => `backup.${name}`)
}

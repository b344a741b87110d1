import { InvalidJob } from '../../contracts/errors.ts'
import type { BackupOptions } from '../../contracts/backup-options.ts'
import type { GuestSelection } from '../../contracts/selection.ts'
import { foreignOptions } from '../../domain/selection/foreign-options.ts'
import { unknownKeys } from '../../domain/selection/known-keys.ts'
import type { Provider } from '../../providers/provider.ts'

/**
 * A key that the site's platform doesn't know would choose nobody, or exclude nobody.
 * @throws InvalidJob naming the keys and those that the platform knows
 */
export function requireKnownKeys(
  site: string,
  selection: GuestSelection,
  { platform, selectionKeys }: Pick<Provider, 'platform' | 'selectionKeys'>,
): void {
  const unknown = unknownKeys(selection, selectionKeys)
  if (unknown.length === 0) return
  throw new InvalidJob(
    `Site ${site} is of platform ${platform}, where guests can't be chosen by ${unknown.join(', ')}. ` +
      `Choose them by ${selectionKeys.join(', ')}, or take all.`,
  )
}

/**
 * An option that the site's platform doesn't know would be passed over.
 * @throws InvalidJob naming the options and those that the platform knows
 */
export function requireKnownOptions(
  site: string,
  options: BackupOptions,
  { platform, optionKeys }: Pick<Provider, 'platform' | 'optionKeys'>,
): void {
  const foreign = foreignOptions(options, platform, optionKeys)
  if (foreign.length === 0) return
  throw new InvalidJob(
    `Site ${site} is of platform ${platform}, which doesn't know ${foreign.join(', ')}. ` +
      `It knows ${[...optionKeys, platform].map((name) => `backup.${name}`).join(', ')}. Leave the others out.`,
  )
}

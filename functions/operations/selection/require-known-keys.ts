import { InvalidJob } from '../../contracts/errors.ts'
import type { GuestSelection } from '../../contracts/selection.ts'
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

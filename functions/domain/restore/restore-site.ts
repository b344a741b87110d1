import { InvalidSite } from '../../contracts/errors.ts'

const setUp = 'See "An account for restores" in docs/proxmox-setup.md'

/**
 * A site as the functions that restore see it: they log in with the account of its block `restore`, and never with that of
 * the backups. The block stays, for its delivery.
 * @throws InvalidSite where there is no such block
 */
export function asRestoreSite(config: unknown): unknown {
  if (!isRecord(config)) {
    throw new InvalidSite('The configuration of the site is no JSON object. Write it as docs/sites.md shows it.')
  }
  const { name, restore } = config
  const site = typeof name === 'string' ? `site ${name}` : 'the site'
  if (restore === undefined) {
    throw new InvalidSite(
      `The configuration of ${site} has no block \`restore\`, and so no account that may bring guests back. ` +
        `Make an account, and add the block with its \`auth\` and \`delivery\`. ${setUp}.`,
    )
  }
  const missing = ['auth', 'delivery'].filter((field) => !isRecord(restore) || restore[field] === undefined)
  if (!isRecord(restore) || missing.length > 0) {
    throw new InvalidSite(
      `The block \`restore\` of ${site} lacks ${missing.map((field) => `\`${field}\``).join(' and ')}. ${setUp}.`,
    )
  }
  return { ...config, auth: restore['auth'] }
}

/**
 * A site as the functions that back up see it: without what restores.
 */
export function withoutRestore(config: unknown): unknown {
  if (!isRecord(config)) return config
  const { restore: _, ...rest } = config
  return rest
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

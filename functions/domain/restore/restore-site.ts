import { InvalidSite } from '../../contracts/errors.ts'

/** Only sites of AWS have regions: their disks are brought by the account itself, and no node is delivered to. */
function isByBlocks(config: Record<string, unknown>): boolean {
  return 'regions' in config
}

/** Only sites of vSphere have one endpoint. */
function isOfVsphere(config: Record<string, unknown>): boolean {
  return 'endpoint' in config
}

/** Only sites of Azure have a subscription. Nothing brings their guests back yet. */
function isOfAzure(config: Record<string, unknown>): boolean {
  return 'subscriptionId' in config
}

function fieldsOf(config: Record<string, unknown>): string[] {
  if (isOfVsphere(config)) return ['auth']
  return isByBlocks(config) ? [] : ['auth', 'delivery']
}

function setUpOf(config: Record<string, unknown>): string {
  if (isOfVsphere(config)) return 'See "Restoring" in docs/vsphere.md'
  return isByBlocks(config)
    ? 'See "Restoring" in docs/ec2.md'
    : 'See "An account for restores" in docs/proxmox-setup.md'
}

function listed(fields: readonly string[]): string {
  return fields.map((field) => `\`${field}\``).join(' and ')
}

/**
 * A site as the functions that restore see it: they log in with the account of its block `restore`, and never with that of
 * the backups. The block stays, for its delivery.
 * @throws InvalidSite where there is no such block
 */
export function asRestoreSite(config: unknown): unknown {
  if (!isRecord(config)) {
    throw new InvalidSite('The configuration of the site is no JSON object. Write it as docs/sites.md shows it.')
  }
  const { name, restore, auth: _backups, ...rest } = config
  const site = typeof name === 'string' ? `site ${name}` : 'the site'
  if (isOfAzure(config)) {
    throw new InvalidSite(
      `Guests can't be brought back to ${site} by Guestlift: this version makes no machines in Azure. ` +
        'Fetch the archive, and follow "Restoring by hand" in docs/azure.md.',
    )
  }
  const needed = fieldsOf(config)
  if (restore === undefined) {
    const its =
      needed.length === 0
        ? 'add the block, empty where its functions have roles of their own'
        : `add the block with its ${listed(needed)}`
    throw new InvalidSite(
      `The configuration of ${site} has no block \`restore\`, and so no account that may bring guests back. ` +
        `Make an account, and ${its}. ${setUpOf(config)}.`,
    )
  }
  const missing = isRecord(restore) ? needed.filter((field) => restore[field] === undefined) : needed
  if (!isRecord(restore) || missing.length > 0) {
    const lacks = missing.length === 0 ? 'is no JSON object' : `lacks ${listed(missing)}`
    throw new InvalidSite(`The block \`restore\` of ${site} ${lacks}. ${setUpOf(config)}.`)
  }
  const { auth } = restore
  // A site of AWS may have none: then who calls is the functions' own role, and never whom the backups log in as.
  return { ...rest, ...(name === undefined ? {} : { name }), ...(auth === undefined ? {} : { auth }), restore }
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

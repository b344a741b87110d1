/** What is known to stand against a restore before anything is made, and what each disk becomes. */
import * as z from 'zod'
import { AwsRefusal } from '../../aws-api/query.ts'
import { InvalidSite } from '../../contracts/errors.ts'
import type { RestoreFinding } from '../../contracts/restore.ts'
import type { NewDisk } from '../../contracts/restore-record.ts'
import type { DiskTargetReport, IntendedDisks, MadeInto } from '../capabilities/disk-restores.ts'
import { type ArchivedMachine, archivedMachine, type ArchivedVolume, isEncrypted } from './archived-machine.ts'
import type { Ec2Client } from './client.ts'
import { regionOf } from './identifiers.ts'
import { restoreTags, tagSpecification } from './restore-tags.ts'
import { snapshotsSchema } from './schemas.ts'

const GIB = 2 ** 30
/** Of an account in a region, all of its tools together (Service Quotas, "Pending snapshots per account"). */
const MOST_PENDING = 100
/** A volume of this size is never made: the call is a dry run. */
const DRY_RUN_GIB = 1

export interface RestoreAccount {
  client: Ec2Client
  site: string
  regions: readonly string[]
  /** The number of the account that restores. */
  account: () => Promise<string>
}

/** @throws the client's facts */
export async function diskTarget(at: RestoreAccount, intended: IntendedDisks): Promise<DiskTargetReport> {
  const { node, to, kmsKey } = intended.target
  const region = regionFor(at, node)
  if (typeof region !== 'string') return { findings: [region], disks: [] }
  const machine = archivedMachine(intended.archive.description)
  const findings = [
    ...machineFindings(intended, machine),
    ...(kmsKey === undefined || kmsKey.split(':')[3] === region ? [] : [keyElsewhere(kmsKey, region)]),
    ...(await zoneFindings(at, region, node, to, intended)),
    ...(await pendingFindings(at, region, intended.archive.disks.length)),
  ]
  const owner = await at.account()
  const disks: NewDisk[] = []
  for (const { fileName, sizeBytes } of intended.archive.disks) {
    const volume = machine?.volumes.get(fileName)
    const { encryption, finding } = encryptionOf(volume, kmsKey, { region, owner })
    if (finding !== undefined) findings.push(finding)
    const name = `${intended.target.name ?? intended.archive.guest.name} ${volume?.device ?? fileName}`
    const tags = restoreTags(at.site, intended.token, name)
    const sizeGib = Math.ceil(sizeBytes / GIB)
    disks.push({ fileName, target: { type: 'ebs-snapshot', region, sizeGib, ...encryption, tags } })
  }
  return { findings, disks }
}

/** Node of a restore is a zone, or for an image a region. */
function regionFor({ regions, site }: RestoreAccount, node: string): string | RestoreFinding {
  try {
    return regionOf(node, regions, site)
  } catch (error) {
    if (!(error instanceof InvalidSite)) throw error
    const message = `Site ${site} has the regions ${regions.join(', ')}, and ${node} is in none of them. Name a zone of one of them as the node.`
    return { name: 'place-unfit', level: 'refusal', message }
  }
}

function machineFindings({ archive, target }: IntendedDisks, machine: ArchivedMachine | undefined): RestoreFinding[] {
  const { instance, volumes } = machine ?? {}
  if (target.to === 'volume') return []
  if (machine === undefined || instance === undefined) {
    const message = `${archive.origin} holds no guest.json that says what the machine was. Restore it to volumes.`
    return [{ name: 'configuration-unknown', level: 'refusal', message }]
  }
  const findings: RestoreFinding[] = []
  const unknown = archive.disks.filter(({ fileName }) => volumes?.has(fileName) !== true)
  const hasRoot = archive.disks.some(({ fileName }) => volumes?.get(fileName)?.device === instance.rootDeviceName)
  if (unknown.length > 0 || !hasRoot) {
    const what = hasRoot
      ? `guest.json doesn't say where ${unknown.map(({ fileName }) => fileName).join(', ')} was attached`
      : `the root device ${instance.rootDeviceName} isn't among the disks`
    const message = `No image can be made of ${archive.origin}: ${what}. Restore it to volumes.`
    findings.push({ name: 'archive-unfit', level: 'refusal', message })
  }
  const lost = [
    ...(instance.productCodes.length === 0 ? [] : ['its product codes of AWS Marketplace']),
    ...(instance.platform.toLowerCase() === 'windows' ? ['its billing as Windows'] : []),
  ]
  if (lost.length > 0) {
    const message = `An image that is registered has lost ${lost.join(' and ')}. Restore volumes instead, and put them in the place of those of an instance that was run from the right image.`
    findings.push({ name: 'licence-lost', level: 'warning', message })
  }
  return findings
}

function keyElsewhere(kmsKey: string, region: string): RestoreFinding {
  const message = `The key ${kmsKey} isn't in region ${region}, where the disks are restored. Name one that is.`
  return { name: 'key-unfit', level: 'refusal', message }
}

/**
 * The key that was named, else the archived one where it is at hand, else the account's own. What was encrypted stays so.
 * Settled once: EBS direct compares it.
 */
function encryptionOf(
  volume: ArchivedVolume | undefined,
  kmsKey: string | undefined,
  { region, owner }: { region: string; owner: string },
): { encryption: { encrypted: boolean; kmsKeyArn?: string }; finding?: RestoreFinding } {
  if (kmsKey !== undefined) return { encryption: { encrypted: true, kmsKeyArn: kmsKey } }
  if (volume === undefined || !isEncrypted(volume)) return { encryption: { encrypted: false } }
  const [, , , keyRegion, keyOwner] = volume.kmsKeyId.split(':')
  if (keyRegion === region && keyOwner === owner) {
    return { encryption: { encrypted: true, kmsKeyArn: volume.kmsKeyId } }
  }
  const message = `${volume.device} was encrypted with ${volume.kmsKeyId}, which isn't of account ${owner} and region ${region}: it is encrypted with the account's default key. Name another with kmsKey.`
  return { encryption: { encrypted: true }, finding: { name: 'key-unfit', level: 'warning', message } }
}

/** A dry run tells whether volumes may be made in the zone. Of an image, AWS says nothing before there are snapshots. */
async function zoneFindings(
  { client, site }: RestoreAccount,
  region: string,
  node: string,
  to: MadeInto,
  { token }: IntendedDisks,
): Promise<RestoreFinding[]> {
  if (to === 'image') return []
  if (node === region) {
    const message = `Volumes lie in a zone, and ${node} is a region. Name a zone as the node, as ${region}a.`
    return [{ name: 'place-unfit', level: 'refusal', message }]
  }
  const TagSpecification = tagSpecification('volume', restoreTags(site, token, 'dry run'))
  const input = { AvailabilityZone: node, Size: DRY_RUN_GIB, DryRun: true, TagSpecification }
  const call = { region, action: 'CreateVolume', input }
  try {
    await client.write(call, z.unknown())
  } catch (error) {
    if (!(error instanceof AwsRefusal)) throw client.fact(error, call)
    if (error.code === 'DryRunOperation') return []
    const fact = client.fact(error, call)
    const message = fact instanceof Error ? fact.message : error.message
    const name = error.code === 'UnauthorizedOperation' ? 'privilege-missing' : 'place-unfit'
    return [{ name, level: 'refusal', message }]
  }
  return []
}

async function pendingFindings({ client }: RestoreAccount, region: string, more: number): Promise<RestoreFinding[]> {
  const input = { Owner: ['self'], Filter: [{ Name: 'status', Value: ['pending'] }] }
  const call = { region, action: 'DescribeSnapshots', input }
  const pending = await client.all(call, snapshotsSchema, ({ snapshotSet }) => snapshotSet)
  if (pending.length + more <= MOST_PENDING) return []
  const message = `Region ${region} has ${pending.length} pending snapshots, and AWS allows ${MOST_PENDING} unless it was asked for more: the restore waits for its turn, and may fail.`
  return [{ name: 'space-tight', level: 'warning', message }]
}

/** AWS EC2 as a platform we export from. What each method promises stands in `../provider.ts`. */
import { AwsRefusal } from '../../aws-api/query.ts'
import type { BackupOptions } from '../../contracts/backup-options.ts'
import { GuestNotFound, PlatformTaskFailed, RequestRejected } from '../../contracts/errors.ts'
import type { ClockOffset } from '../../contracts/evidence.ts'
import type { Guest } from '../../contracts/nouns.ts'
import { isGoodReading, offsetByHeader } from '../../domain/time/answer-clock.ts'
import type { FoundGuest, GuestDetails, GuestList } from '../guest-facts.ts'
import type { IntendedWork, MissingPrivilege } from '../intended-work.ts'
import type { JobSummary } from '../job-summary.ts'
import type { BackupProgress, Gathered, MadeByBackup, Provider, ReleaseProgress, Stray } from '../provider.ts'
import type { ProviderDeps } from '../provider-deps.ts'
import { Ec2Client } from './client.ts'
import type { Ec2Site } from './config.ts'
import { describeInstance } from './describe-instance.ts'
import { ec2DiskRestores } from './disk-restores.ts'
import { evidenceOf, sideFilesOf } from './evidence.ts'
import { freeze, refusalToFreeze } from './freeze.ts'
import { formatJobRef, type JobRef, parseJobRef, regionOf, requireJobRef } from './identifiers.ts'
import {
  byId,
  findInstances,
  foundGuest,
  guestRecord,
  hasInstanceStores,
  hasNoDisks,
  listInstances,
  volumesOf,
} from './instances.ts'
import { judgeJob } from './judge-job.ts'
import { ec2OptionKeys, ec2OptionsOf } from './options.ts'
import { callerSchema, type Instance } from './schemas.ts'
import { isPending, progressOf, type SnapshotSet, snapshotSet, snapshotSets } from './snapshot-sets.ts'
import { openPower } from './power.ts'
import { removeEach } from './remove-each.ts'
import { ec2Traits } from './traits.ts'

/** Lists of EC2 lag some seconds behind what was done (user guide, "Eventual consistency"). */
const LAG_LOOKS = 6
const LAG_MILLISECONDS = 5_000
/** A set that is still short of a snapshot after this time stays so. */
const LAG_SECONDS = 300
/** What EC2 is asked by: it has no version of its own that it would tell. */
const API_VERSION = '2016-11-15'
/** Names the snapshots that a dry run would make. */
const DRY_RUN_TOKEN = '0000000000000000'

/** Snapshots of versions that wrote no tag with their bucket. */
const DOUBT =
  'It names no bucket, so another installation of Guestlift with a site of this name may have made it. ' +
  'Look whether one works on it, then remove it.'

export function openEc2(siteName: string, site: Ec2Site, deps: ProviderDeps): Provider {
  const client = new Ec2Client(siteName, site, deps)
  const { regions } = site
  const [firstRegion = ''] = regions
  const owner = { site: siteName, home: deps.home }

  async function caller() {
    const call = { service: 'sts' as const, region: firstRegion, action: 'GetCallerIdentity', input: {} }
    return (await client.read(call, callerSchema)).GetCallerIdentityResult
  }

  async function everywhere<Item>(look: (region: string) => Promise<Item[]>): Promise<Item[]> {
    return (await Promise.all(regions.map(look))).flat()
  }

  async function findGuests(ids: readonly string[]): Promise<FoundGuest[]> {
    const found = await everywhere((region) => findInstances(client, region, ids))
    return found.map(foundGuest).toSorted(byId)
  }

  /** @throws GuestNotFound */
  async function instanceOf({ id, node }: Guest): Promise<{ instance: Instance; region: string }> {
    const region = regionOf(node, regions, siteName)
    const [instance] = await findInstances(client, region, [id])
    if (instance !== undefined) return { instance, region }
    throw new GuestNotFound(`Site ${siteName}, region ${region}: no instance ${id} is there that can be archived.`)
  }

  async function listGuests(): Promise<GuestList> {
    const instances = await everywhere((region) => listInstances(client, region))
    const notes = instances.flatMap((instance) => {
      const why = hasNoDisks(instance)
      return why === undefined ? [] : [`Guest ${instance.instanceId} can't be archived: ${why}.`]
    })
    return { guests: instances.map(guestRecord).toSorted(byId), notes }
  }

  async function missingPrivileges({ guestIds }: IntendedWork): Promise<MissingPrivilege[]> {
    // One for each region: rights may be bound to tags of single instances, which the run itself finds out.
    const guests = await findGuests(guestIds)
    const missing: MissingPrivilege[] = []
    for (const region of regions) {
      const guest = guests.find(({ node }) => regionOf(node, regions, siteName) === region)
      if (guest === undefined) continue
      const refusal = await refusalToFreeze(client, { ...owner, region, guest, token: DRY_RUN_TOKEN })
      if (refusal === 'refused') missing.push({ privilege: 'ec2:CreateSnapshots', path: `${region}/${guest.id}` })
      else if (refusal !== undefined) throw refusal
    }
    return missing
  }

  async function requireOptions(options: BackupOptions): Promise<void> {
    ec2OptionsOf(options)
    if (options.compress === 'zstd') return
    throw new RequestRejected(
      `Site ${siteName}: disks of instances are archived with zstd; "compress": "${options.compress}" is not possible.`,
    )
  }

  async function start(guest: Guest, options: BackupOptions, token = ''): Promise<JobSummary> {
    const { instance, region } = await instanceOf(guest)
    const order = { ...owner, region, guest, options, token }
    const { startedAt } = await freeze(client, order, instance.rootDeviceName)
    return { jobRef: formatJobRef({ region, instanceId: guest.id, token }), startedAt, running: true }
  }

  async function findJobs(guest: Guest, since: Date): Promise<JobSummary[]> {
    const region = regionOf(guest.node, regions, siteName)
    const sets = await snapshotSets(client, owner, region, { guest: guest.id })
    const summaries = sets.map((set) => ({
      jobRef: formatJobRef(set),
      startedAt: set.startedAt,
      running: set.snapshots.some(isPending),
    }))
    return summaries
      .filter(({ running, startedAt }) => running || Date.parse(startedAt) >= since.getTime())
      .toReversed()
  }

  /** Looks again while a list may lag behind. */
  async function settledSet(job: JobRef): Promise<SnapshotSet | undefined> {
    for (let looks = 1; ; looks += 1) {
      const set = await snapshotSet(client, owner, job)
      if ((set !== undefined && set.snapshots.length >= set.volumes) || looks === LAG_LOOKS) return set
      await deps.sleep(LAG_MILLISECONDS)
    }
  }

  async function check(jobRef: string): Promise<BackupProgress> {
    const set = await settledSet(requireJobRef(jobRef, siteName))
    if (set === undefined) return { running: false }
    const ageSeconds = (deps.now().getTime() - Date.parse(set.startedAt)) / 1000
    const short = set.snapshots.length < set.volumes && ageSeconds < LAG_SECONDS
    return { running: short || set.snapshots.some(isPending), progressPercent: progressOf(set) }
  }

  async function gather(jobRef: string, guest: Guest): Promise<Gathered> {
    const job = requireJobRef(jobRef, siteName)
    const set = await settledSet(job)
    const again = set === undefined ? undefined : await snapshotSet(client, owner, job)
    const [instance] = await findInstances(client, job.region, [job.instanceId])
    const volumes = await volumesOf(client, job.region, job.instanceId)
    const instanceStores = instance === undefined ? undefined : await hasInstanceStores(client, job.region, instance)
    const seen = { job, guest, set, again, instance, volumes, instanceStores }
    return { evidence: evidenceOf(seen), sideFiles: sideFilesOf(seen) }
  }

  /** Only what bears our mark, whatever the caller believes to know. */
  async function setsOf({ guest, jobRef, token, sources }: MadeByBackup): Promise<SnapshotSet[]> {
    const job = jobRef === undefined ? undefined : parseJobRef(jobRef)
    if (job !== undefined) return [await snapshotSet(client, owner, job)].filter((set) => set !== undefined)
    const region = regionOf(guest.node, regions, siteName)
    const sets = await snapshotSets(client, owner, region, { guest: guest.id })
    const refs = new Set(sources.map(({ artifactRef }) => artifactRef))
    return sets.filter((set) => set.token === token || set.snapshots.some(({ snapshotId }) => refs.has(snapshotId)))
  }

  async function release(made: MadeByBackup): Promise<ReleaseProgress> {
    for (const set of await setsOf(made)) await remove(set)
    return { released: true }
  }

  async function remove(set: SnapshotSet): Promise<void> {
    const ids = set.snapshots.map(({ snapshotId }) => snapshotId)
    const [first] = await removeEach(client, 'snapshot', set.region, ids)
    if (first === undefined) return
    const { id: snapshotId, error, call } = first
    if (error instanceof AwsRefusal && /^InvalidSnapshot\.InUse$|Locked/.test(error.code)) {
      throw new PlatformTaskFailed(
        `Site ${siteName}, region ${set.region}: snapshot ${snapshotId} of guest ${set.instanceId} can't be removed ` +
          `(${error.code}: ${error.message}). Someone made an image of it or locked it: remove that, then the snapshot.`,
        { cause: error },
      )
    }
    throw client.fact(error, call)
  }

  async function stop(jobRef: string): Promise<void> {
    const set = await snapshotSet(client, owner, requireJobRef(jobRef, siteName))
    // What is completed has ended; what is pending can only be removed.
    if (set?.snapshots.some(isPending) === true) await remove(set)
  }

  async function findStrays(olderThan: Date): Promise<Stray[]> {
    const sets = await everywhere((region) => snapshotSets(client, owner, region))
    return sets.filter(({ startedAt }) => Date.parse(startedAt) < olderThan.getTime()).map(strayOf)
  }

  async function clock(): Promise<ClockOffset | undefined> {
    const last = client.lastTiming()
    if (last === undefined || !isGoodReading(last, deps.now())) await caller()
    const timing = client.lastTiming()
    return timing === undefined ? undefined : offsetByHeader(timing)
  }

  return {
    platform: 'ec2',
    traits: ec2Traits,
    selectionKeys: ['ids', 'names', 'tags', 'nodes', 'states', 'kinds'],
    optionKeys: ec2OptionKeys,
    privilegeToSee: () => 'ec2:DescribeInstances',
    identify: async () => {
      await caller()
      return { version: API_VERSION }
    },
    // The account: an instance's id is unique everywhere, and another account has other instances.
    clusterId: async () => (await caller()).Account,
    requireOptions,
    missingPrivileges,
    clockToleranceSeconds: site.clockToleranceSeconds,
    clock,
    findGuests,
    listGuests,
    describeGuest: async (guest, planned): Promise<GuestDetails> => {
      const { instance, region } = await instanceOf(guest)
      const volumes = await volumesOf(client, region, guest.id)
      return describeInstance(`Site ${siteName}, guest ${guest.id}`, instance, volumes, planned)
    },
    start,
    findJobs,
    readMark: async (jobRef) => {
      const job = parseJobRef(jobRef)
      return job === undefined ? undefined : { token: job.token }
    },
    check,
    gather,
    judgeJob,
    stop,
    release,
    findStrays,
    power: openPower(siteName, client, instanceOf, deps),
    diskRestores: ec2DiskRestores({ client, site: siteName, regions, account: async () => (await caller()).Account }),
    close: async () => client.close(),
  }
}

function strayOf(set: SnapshotSet): Stray {
  const { region, instanceId, token, snapshots, startedAt } = set
  const ids = snapshots.map(({ snapshotId }) => snapshotId)
  const node = region
  return {
    what: `${ids.length === 1 ? 'snapshot' : 'snapshots'} ${ids.join(', ')} of instance ${instanceId}`,
    made: {
      guest: { id: instanceId, kind: 'vm', name: '', node },
      jobRef: formatJobRef(set),
      token,
      sources: ids.map((artifactRef) => ({ artifactRef, node })),
    },
    createdAt: startedAt,
    ...(set.isSurelyOurs ? {} : { doubt: DOUBT }),
    removeWith: ids.map((id) => `aws ec2 delete-snapshot --region ${region} --snapshot-id ${id}`).join(' && '),
  }
}

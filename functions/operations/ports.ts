import type { ArchiveStore } from '../aws/archive-store.ts'
import type { LocalProcess } from '../contracts/process-identity.ts'
import type { WrittenJobs } from '../contracts/job.ts'
import type { LockOrder } from '../contracts/object-lock.ts'
import type { SiteLimits } from '../contracts/limits.ts'
import type { Provider } from '../providers/provider.ts'
import type { PlatformTraits } from '../providers/traits.ts'
import type { Route } from '../readers/reader.ts'
import type { DiskWriter, FileDiskWriter } from '../writers/disk-writer.ts'
import type { Delivery } from '../writers/writer.ts'

/**
 * All that an operation can reach outside itself. `runtime/compose.ts` builds it for a function call and closes what
 * was opened; tests build it from fakes and fixed clocks.
 */
export interface Ports {
  store: ArchiveStore
  /** In front of every key; ends with `/` or is empty. */
  keyPrefix: string
  /** Where the store is, when it is not AWS: what the commands in the bucket name. */
  s3Url?: string | undefined
  /** The site that jobs without one mean, if the deployment has one. */
  defaultSite: string | undefined
  /** What reads a job as a person writes it, for the platforms that there are. */
  writtenJobs: WrittenJobs
  /** The lock that the deployment demands of each archive. */
  requiredLock?: LockOrder | undefined
  /** The deployment's name, for metrics. */
  deployment: string
  /**
   * The provider for a site, opened on first use. What restores gets it with the site's account for that.
   * @throws UnknownSite, InvalidSite
   */
  provider(site: string): Promise<Provider>
  /** What a platform can do. @throws InvalidJob for one that this version doesn't know */
  traitsOf(platform: string): PlatformTraits
  /** The site's route for bytes. @throws UnknownSite, InvalidSite */
  route(site: string): Promise<Route>
  /** The site's delivery, with the account that restores. @throws UnknownSite, InvalidSite */
  delivery(site: string): Promise<Delivery>
  /** What fills disks of the site block by block, with the account that restores. @throws UnknownSite, InvalidSite */
  diskWriter(site: string): Promise<DiskWriter>
  /** What writes disks of the site as files, with the account that restores. @throws UnknownSite, InvalidSite */
  fileDiskWriter(site: string): Promise<FileDiskWriter>
  /** Whether guests of the site come back by import, with no file delivered. @throws UnknownSite, InvalidSite */
  importsGuests(site: string): Promise<boolean>
  /** What transfers may take of the site. @throws UnknownSite, InvalidSite */
  siteLimits(site: string): Promise<SiteLimits>
  now(): Date
  sleep(milliseconds: number): Promise<void>
  /** Call `fire` once so much time has passed. Returns what takes that back. */
  timer(milliseconds: number, fire: () => void): () => void
  /** Sixteen hexadecimal digits that nobody drew before. */
  randomToken(): string
  /** The process whose run this is, on one machine. Absent on AWS. */
  localProcess?: LocalProcess
  /** Milliseconds until this function call is killed. */
  remainingMilliseconds(): number
  /** Milliseconds that Lambda bills of this call so far. */
  billedMilliseconds(): number
  /** Of this function, where something tells. */
  memoryMiB: number | undefined
  /** One structured log line. Never give it a secret. */
  log(event: string, fields: Record<string, unknown>): void
  /** `guestlift/<version>`, for manifests. */
  toolVersion: string
}

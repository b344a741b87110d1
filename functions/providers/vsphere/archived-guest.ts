/** The machine as `guest.json` of an archive describes it: as far as a restore needs it. */
import * as z from 'zod'
import { parseJson } from '../../domain/words/parse-json.ts'

const diskSchema = z.object({
  label: z.string(),
  slot: z.string(),
  capacityBytes: z.int().nonnegative().optional(),
  /** Without `.raw.zst`. Absent of a disk that the archive doesn't hold. */
  archivedAs: z.string().optional(),
})
const guestSchema = z.object({
  id: z.string(),
  name: z.string(),
  template: z.boolean(),
  hardwareVersion: z.string(),
  firmware: z.string(),
  cpus: z.int().optional(),
  memoryBytes: z.int().optional(),
  /** `[datastore] web01/web01.vmx`. */
  configurationFile: z.string(),
  /** `DC1/vm/Web`. */
  folder: z.string(),
  resourcePool: z.string(),
  host: z.string(),
  networks: z.array(z.object({ label: z.string(), type: z.string(), macAddress: z.string(), network: z.string() })),
  disks: z.array(diskSchema),
})
export type ArchivedGuest = z.infer<typeof guestSchema>

/** `undefined` where nothing, or something else, describes it. */
export function archivedGuest(description: string | undefined): ArchivedGuest | undefined {
  const parsed = z.object({ guest: guestSchema }).safeParse(parseJson(description ?? ''))
  return parsed.success ? parsed.data.guest : undefined
}

/** What its configuration file is called beside its disks. */
export function vmxNameOf({ configurationFile }: ArchivedGuest): string {
  return configurationFile.split('/').at(-1) ?? 'guest.vmx'
}

/** Its datastore, where it lay; empty where that isn't said. */
export function datastoreOf({ configurationFile }: ArchivedGuest): string {
  return /^\[(.*)\] [^\]]*$/.exec(configurationFile)?.[1] ?? ''
}

/** As the archive calls a disk. */
export function fileNameOf(archivedAs: string): string {
  return `${archivedAs}.raw.zst`
}

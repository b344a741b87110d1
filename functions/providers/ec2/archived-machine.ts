/** The instance as it was archived: what `guest.json` beside its disks says (`evidence.ts` writes it). Pure. */
import * as z from 'zod'
import { fileNameOf } from './evidence.ts'

const text = z.string().default('')

const descriptionSchema = z.object({
  instance: z
    .object({
      instanceId: text,
      architecture: text,
      bootMode: text,
      currentInstanceBootMode: text,
      enaSupport: text,
      sriovNetSupport: text,
      tpmSupport: text,
      virtualizationType: text,
      platform: text,
      rootDeviceName: text,
      productCodes: z.array(z.object({ productCode: text })).default([]),
    })
    .optional(),
  volumes: z
    .array(
      z.object({
        device: z.string().min(1),
        volumeId: text,
        volumeType: text,
        iops: text,
        throughput: text,
        encrypted: text,
        kmsKeyId: text,
        attachmentSet: z.array(z.object({ device: text, deleteOnTermination: text })).default([]),
      }),
    )
    .default([]),
})
type Description = z.output<typeof descriptionSchema>
export type ArchivedInstance = NonNullable<Description['instance']>
export type ArchivedVolume = Description['volumes'][number]

export interface ArchivedMachine {
  instance: ArchivedInstance | undefined
  /** By the names of their files in the archive. */
  volumes: ReadonlyMap<string, ArchivedVolume>
}

/** `undefined` for a text that isn't such a description. */
export function archivedMachine(description: string | undefined): ArchivedMachine | undefined {
  const parsed = descriptionSchema.safeParse(parsedJson(description))
  if (!parsed.success) return undefined
  const { instance, volumes } = parsed.data
  return { instance, volumes: new Map(volumes.map((volume) => [fileNameOf(volume.device), volume])) }
}

/** How it starts: what its image said, or else how it ran, since the default of another instance type may differ. */
export function bootModeOf({ bootMode, currentInstanceBootMode }: ArchivedInstance): string {
  return bootMode === '' ? currentInstanceBootMode : bootMode
}

export function isEncrypted({ encrypted }: Pick<ArchivedVolume, 'encrypted'>): boolean {
  return encrypted === 'true'
}

/** Whether the volume goes with its instance; that of a root device does unless told otherwise. */
export function goesWithInstance({ device, attachmentSet }: ArchivedVolume): boolean {
  return attachmentSet.find((one) => one.device === device)?.deleteOnTermination === 'true'
}

function parsedJson(description: string | undefined): unknown {
  try {
    return JSON.parse(description ?? '')
  } catch {
    return undefined
  }
}

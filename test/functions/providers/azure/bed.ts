import { azureSiteSchema } from '../../../../functions/providers/azure/config.ts'
import { openAzure } from '../../../../functions/providers/azure/provider.ts'
import type { Provider } from '../../../../functions/providers/provider.ts'
import { MIB, scattered, seededContent } from '../../../../local/labs/azure/disks/content.ts'
import { type AzureLab, type AzureLabOptions, startAzureLab } from '../../../../local/labs/azure/lab.ts'
import type { VmSpec } from '../../../../local/labs/azure/subscription.ts'

export const WEB = '22222222-2222-4222-8222-222222222222'
export const DB = '33333333-3333-4333-8333-333333333333'
export const HOME = 'archives/'

export interface AzureBed {
  lab: AzureLab
  /** As a person writes it. */
  site: Record<string, unknown>
  provider: Provider
  /** Opens another provider of the same subscription. */
  open(more?: object, home?: string): Provider
  /** What was waited for, in milliseconds. */
  waits: number[]
  logged: { event: string; fields: Record<string, unknown> }[]
  close(): Promise<void>
}

const content = (sizeBytes: number, seed: number) => seededContent(scattered(sizeBytes, 4 * MIB), seed)

export const web: VmSpec = {
  name: 'web1',
  group: 'rg-prod',
  vmId: WEB,
  zones: ['1'],
  tags: { backup: 'daily', loud: '' },
  disks: [
    { name: 'web1_OsDisk', sizeBytes: 64 * MIB, content: content(64 * MIB, 1) },
    { name: 'web1_data', sizeBytes: 32 * MIB, content: content(32 * MIB, 2) },
  ],
}

export const db: VmSpec = {
  name: 'db1',
  group: 'RG-Test',
  vmId: DB,
  state: 'deallocated',
  disks: [{ name: 'db1_OsDisk', sizeBytes: 32 * MIB, content: content(32 * MIB, 3) }],
}

/** A subscription with two machines, and a provider whose pauses take no time. */
export async function azureBed(options: AzureLabOptions = {}): Promise<AzureBed> {
  const lab = await startAzureLab({ vms: [web, db], ...options })
  const site = lab.site()
  const [waits, logged]: [number[], AzureBed['logged']] = [[], []]
  const providers: Provider[] = []
  const open = (more: object = {}, home: string | undefined = HOME): Provider => {
    const provider = openAzure('az', azureSiteSchema.parse({ ...site, ...more }), {
      now: () => new Date(),
      sleep: async (milliseconds) => void waits.push(milliseconds),
      log: (event, fields) => void logged.push({ event, fields }),
      ...(home === undefined ? {} : { home }),
    })
    providers.push(provider)
    return provider
  }
  return {
    lab,
    site,
    provider: open(),
    open,
    waits,
    logged,
    close: async () => {
      await Promise.all(providers.map((provider) => provider.close()))
      await lab.close()
    },
  }
}

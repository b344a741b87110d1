/** A simulated subscription of Azure, an embedded S3 and a runner whose functions work with their own roles. */
import { type AzureLab, type AzureLabOptions, startAzureLab } from '../../local/labs/azure/lab.ts'
import { synthesise } from '../../local/run/assembly.ts'
import type { LocalRunner } from '../../local/run/local-runner.ts'
import { openStoreBed, type StoreBed } from './store-bed.ts'

export interface AzureE2eBed extends StoreBed {
  lab: AzureLab
  runner: LocalRunner
}

export async function openAzureBed(options: AzureLabOptions): Promise<AzureE2eBed> {
  const store = await openStoreBed('azure')
  const lab = await startAzureLab(options)
  // The app that all tests share: its site is hq.
  const runner = await store.openRunner({ hq: lab.site() }, await synthesise(() => undefined))
  return {
    ...store,
    lab,
    runner,
    close: async () => {
      await store.close()
      await lab.close()
    },
  }
}

/** A simulated vCenter, an embedded S3 and a runner whose functions work with their own roles, judged as on AWS. */
import { startVsphereLab, type VsphereLab, type VsphereLabOptions } from '../../local/labs/vsphere/lab.ts'
import { synthesise } from '../../local/run/assembly.ts'
import type { LocalRunner } from '../../local/run/local-runner.ts'
import { openStoreBed, type StoreBed } from './store-bed.ts'

export interface VsphereE2eBed extends StoreBed {
  lab: VsphereLab
  runner: LocalRunner
}

/** @param restores whether the site has an account that brings guests back */
export async function openVsphereBed(options: VsphereLabOptions, { restores = false } = {}): Promise<VsphereE2eBed> {
  const store = await openStoreBed('vsphere')
  const lab = await startVsphereLab(options)
  const site = lab.site()
  const written = restores ? { ...site, restore: { auth: site.auth } } : site
  // The app that all tests share: its site is hq.
  const runner = await store.openRunner({ hq: written }, await synthesise(() => undefined))
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

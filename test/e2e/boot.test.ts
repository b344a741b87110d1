/**
 * Restored VMs boot for real: archived and restored by the real workflows, their disks are started under QEMU with
 * Debian's kernel. Each kind of damage has to fail the same boot.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BootableDisk, bootableDisk, damages, missingForDisks } from '../boot/bootable-disk.ts'
import type { BootVerdict } from '../boot/boot-verdict.ts'
import { labBoot } from '../boot/lab-boot.ts'
import { bootUnderQemu, missingForBoots } from '../boot/qemu.ts'
import { dataOf } from '../local/labs/proxmox/api-client.ts'
import { exchange, request } from '../local/labs/proxmox/raw-http.ts'
import { openSite, type Site } from './harness.ts'

const missing = [...missingForBoots, ...missingForDisks]
if (missing.length > 0) console.warn(`skipped: no ${missing.join(', no ')}`)

const MARKERS = { web: 'web-before-the-fire', app: 'app-before-the-fire' }

describe.skipIf(missing.length > 0)('a restored VM', () => {
  let folder: string
  let site: Site
  let disks: Record<keyof typeof MARKERS, BootableDisk>
  /** Called with what the lab's next boot proved. */
  let onVerdict: (verdict: BootVerdict) => void = () => undefined
  const nextVerdict = () => new Promise<BootVerdict>((resolve) => void (onVerdict = resolve))

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'guestlift-boot-'))
    disks = { web: bootableDisk(MARKERS.web), app: bootableDisk(MARKERS.app) }
    site = await openSite({
      restores: true,
      boot: labBoot(MARKERS.app, (verdict) => onVerdict(verdict)),
      guests: [
        { vmid: 100, kind: 'qemu', name: 'web', disks: [{ key: 'virtio0' }] },
        { vmid: 101, kind: 'qemu', name: 'app', disks: [{ key: 'scsi0' }], options: { agent: '1' } },
      ],
    })
    const { control } = site.lab
    control.storeDisk(100, 'virtio0', disks.web.bytes)
    control.storeDisk(101, 'scsi0', disks.app.bytes)
    await site.run({ site: 'hq', guests: { vmids: [100, 101] }, backup: { storage: 'nas', compress: 'zstd' } })
    for (const vmid of [100, 101]) control.removeGuest(vmid)
    await restore({ archive: 'hq/vm-100', id: '9100' })
  })
  afterAll(async () => {
    await site.close()
    rmSync(folder, { recursive: true })
  })

  const restore = (what: Record<string, unknown>) =>
    site.upkeep('restoreGuest', { site: 'hq', storage: 'local-lvm', confirm: true, ...what })

  it.each(['virtio', 'nvme'] as const)('boots from its disk on %s and finds all as it was archived', async (bus) => {
    const path = site.lab.control.diskPath(9100, 'virtio0')
    expect(await bootUnderQemu(path, { bus, marker: MARKERS.web })).toEqual({ booted: true })
  })

  const { 'with one changed bit in a file': flippedBit, ...others } = damages
  it.each(Object.entries(others))('does not boot from a disk %s', async (_what, { of, why }) => {
    const bytes = readFileSync(site.lab.control.diskPath(9100, 'virtio0'))
    const path = join(folder, 'damaged')
    writeFileSync(path, of({ bytes, dataOffset: disks.web.dataOffset }))
    expect(await bootUnderQemu(path, { bus: 'virtio', marker: MARKERS.web })).toEqual({
      booted: false,
      why: expect.stringMatching(why) as unknown,
    })
  })

  it('has not booted when its system never writes a line', async () => {
    const path = site.lab.control.diskPath(9100, 'virtio0')
    // The kernel starts a program that sleeps in place of ours.
    const asleep = { kernelArguments: 'rdinit=/bin/sleep -- 600', silenceSeconds: 10 }
    expect(await bootUnderQemu(path, { bus: 'virtio', marker: MARKERS.web, ...asleep })).toEqual({
      booted: false,
      why: 'the guest wrote no line',
    })
  })

  it('is no failed boot, but an error, where QEMU can not even open its disk', async () => {
    const boot = bootUnderQemu(join(folder, 'nowhere'), { bus: 'virtio', marker: MARKERS.web })
    await expect(boot).rejects.toThrow(/^qemu-system-x86_64 ended with status 1: .*Could not open '.*nowhere'/)
  })

  it('has not booted when it was stopped first', async () => {
    const path = site.lab.control.diskPath(9100, 'virtio0')
    const boot = bootUnderQemu(path, { bus: 'virtio', marker: MARKERS.web, signal: AbortSignal.abort() })
    expect(await boot).toEqual({ booted: false, why: 'the guest wrote no line' })
  })

  it.each([
    ['has no disk of its own content', [], 'no disk to boot from (none is there)'],
    ['has its disk on a bus without a driver here', [{ key: 'ide0', path: '' }], 'no disk to boot from (ide0)'],
  ])('does not come up in the lab when it %s', async (_what, its, why) => {
    const verdicts: BootVerdict[] = []
    const boot = labBoot(MARKERS.app, (verdict) => void verdicts.push(verdict))
    expect(await boot(its, new AbortController().signal)).toBe(false)
    expect(verdicts).toEqual([{ booted: false, why }])
  })

  describe('that the lab starts', () => {
    const ask = async (method: string, path: string) => {
      const { tokenId, secret } = site.lab.restoreToken
      const headers = { Authorization: `PVEAPIToken=${tokenId}=${secret}` }
      const at = `/api2/json/nodes/pve1/qemu/9101/${path}`
      return exchange(Number(new URL(site.lab.apiUrl).port), request(method, at, headers))
    }
    const ping = async () => (await ask('POST', 'agent/ping')).body
    const order = async (action: string) =>
      site.lab.control.endOfTask(String(dataOf(await ask('POST', `status/${action}`))))

    it('answers through its agent once it has booted, and stops when its disk is damaged', async () => {
      const started = nextVerdict()
      const { result } = await restore({ archive: 'hq/vm-101', id: '9101', start: true })
      expect(result).toMatchObject({ status: 'SUCCEEDED' })
      expect(await started).toEqual({ booted: true })
      await expect.poll(ping).toContain('"result":{}')

      await order('stop')
      const { control } = site.lab
      const bytes = readFileSync(control.diskPath(9101, 'scsi0'))
      control.storeDisk(9101, 'scsi0', flippedBit.of({ bytes, dataOffset: disks.app.dataOffset }))
      const startedAgain = nextVerdict()
      await order('start')
      expect(await startedAgain).toEqual({ booted: false, why: expect.stringMatching(flippedBit.why) as unknown })
      await expect.poll(ping).toContain('VM 9101 is not running')
    })
  })
})

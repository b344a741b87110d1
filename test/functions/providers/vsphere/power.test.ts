import { afterEach, describe, expect, it } from 'vitest'
import type { GuestPower } from '../../../../functions/providers/capabilities/power.ts'
import { MIB, type VsphereBed, vsphereBed, WEB } from './bed.ts'

const beds: VsphereBed[] = []
afterEach(async () => {
  await Promise.all(beds.splice(0).map((bed) => bed.close()))
})

async function open(guest: object = {}): Promise<{ bed: VsphereBed; power: GuestPower }> {
  const guests = [{ name: 'web01', id: WEB, toolsRunning: true, disks: [{ capacityBytes: MIB }], ...guest }]
  const bed = await vsphereBed({ guests })
  beds.push(bed)
  const { power } = bed.provider
  if (power === undefined) throw new Error('vSphere has no power')
  return { bed, power }
}

const patience = { timeoutSeconds: 60 }

describe('the power of a guest of vSphere', () => {
  it('goes off and on again, and an order that is fulfilled already asks nothing', async () => {
    const { bed, power } = await open()
    const guest = await bed.guest()
    expect(await power.order(guest, 'shutdown', patience)).toMatchObject({
      changed: true,
      state: { status: 'stopped' },
    })
    expect(await power.order(guest, 'stop', patience)).toMatchObject({ changed: false })
    expect(bed.lab.control.calls('PowerOffVM_Task')).toBe(0)
    expect(await power.order(guest, 'start', patience)).toMatchObject({ changed: true, state: { status: 'running' } })
    expect(await power.order(guest, 'reboot', patience)).toMatchObject({ changed: true, state: { status: 'running' } })
    expect(await power.order(guest, 'stop', patience)).toMatchObject({ changed: true, jobRef: expect.any(String) })
    await expect(power.order(guest, 'reboot', patience)).rejects.toThrow("it isn't running. Start it.")
  })

  it('is not asked of a system without VMware Tools, and the message names the other way', async () => {
    const { bed, power } = await open({ toolsRunning: false })
    await expect(power.order(await bed.guest(), 'shutdown', patience)).rejects.toMatchObject({
      name: 'RequestRejected',
      message: expect.stringContaining('`stop` pulls the plug'),
    })
  })

  it('is not waited for longer than it may take, as of a guest that asks whether it was moved or copied', async () => {
    const { bed, power } = await open({ powerState: 'poweredOff' })
    bed.lab.control.holdTasks()
    await expect(power.order(await bed.guest(), 'start', patience)).rejects.toMatchObject({
      name: 'PlatformTaskFailed',
      message: expect.stringContaining('may wait for the answer to a question'),
    })
    expect(bed.waits.reduce((sum, one) => sum + one, 0)).toBe(60_000)
  })

  it('is none of a template', async () => {
    const { bed, power } = await open({ template: true, powerState: 'poweredOff' })
    await expect(power.order(await bed.guest(), 'start', patience)).rejects.toThrow('it is a template')
  })
})

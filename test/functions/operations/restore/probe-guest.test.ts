import { describe, expect, it } from 'vitest'
import { checkRestore } from '../../../../functions/operations/restore/check-restore.ts'
import { checkTarget } from '../../../../functions/operations/restore/check-target.ts'
import { compareGuest } from '../../../../functions/operations/restore/compare-guest.ts'
import { createGuest } from '../../../../functions/operations/restore/create-guest.ts'
import { probeGuest } from '../../../../functions/operations/restore/probe-guest.ts'
import { PlatformTaskFailed } from '../../../../functions/contracts/errors.ts'
import { type Bed, openBed, WORK } from './bed.ts'

/** A guest of a drill, made and compared. */
async function drilled(probes: object = {}, prepare: (bed: Bed) => void = () => undefined) {
  const bed = await openBed()
  prepare(bed)
  await bed.plan({ id: '9900', drill: { ids: '9900-9949', probes } })
  await checkTarget(WORK, bed.ports)
  bed.delivery.files.set('pve1:/dump/whole', new Map())
  await createGuest(WORK, bed.ports)
  await checkRestore(WORK, bed.ports)
  await compareGuest(WORK, bed.ports)
  bed.restores.calls.length = 0
  const probe = async (ports: Partial<Bed['ports']> = {}) => {
    const { passed } = await probeGuest(WORK, { ...bed.ports, ...ports })
    const checks = (await bed.record()).probes?.map((check) => [check.name, check.passed]) ?? []
    return { passed, checks }
  }
  return { bed, probe }
}

describe('looking at the guest of a drill', () => {
  it('unplugs it first, and passes when its agent answers and its commands end with 0', async () => {
    const { bed, probe } = await drilled({ commands: ['database'] }, ({ restores }) => {
      restores.agent = [true]
      restores.exits = { database: 0 }
    })
    expect(await probe()).toEqual({
      passed: true,
      checks: [
        ['unplugged', true],
        ['started', true],
        ['agent', true],
        ['command', true],
      ],
    })
    expect(bed.restores.calls[0]).toBe('disconnect')
  })

  it('does not start a guest that cannot be unplugged', async () => {
    const { bed, probe } = await drilled()
    bed.restores.disconnect = () => Promise.reject(new PlatformTaskFailed('net0 is still plugged in'))
    const before = bed.provider.calls.length
    await expect(probe()).rejects.toMatchObject({ name: 'PlatformTaskFailed' })
    expect(bed.provider.calls.slice(before).filter((call) => call.includes('start'))).toEqual([])
    expect(await bed.record()).not.toHaveProperty('probes')
  })

  it('fails by an agent that stays silent, and runs nothing then', async () => {
    const { bed, probe } = await drilled({ bootSeconds: 10, commands: ['database'] }, ({ restores }) => {
      restores.agent = [false]
      restores.exits = { database: 0 }
    })
    const { passed, checks } = await probe()
    expect(passed).toBe(false)
    expect(checks).toContainEqual(['agent', false])
    expect(checks).toContainEqual(['command', false])
    expect(bed.restores.calls).not.toContain('run database')
  })

  it('fails by a command that ends with another code, or is killed', async () => {
    for (const code of [1, undefined]) {
      const { probe } = await drilled({ commands: ['database'] }, ({ restores }) => {
        restores.agent = [true]
        restores.exits = { database: code }
      })
      expect((await probe()).checks.at(-1)).toEqual(['command', false])
    }
  })

  it('shows of a guest without an agent that it goes on running, and no more', async () => {
    const { bed, probe } = await drilled({}, ({ restores }) => (restores.agent = [undefined]))
    expect((await probe()).checks.at(-1)).toEqual(['still-running', true])
    expect((await bed.record()).probes?.at(-1)?.seen).toContain('nothing inside it was seen')
  })

  it('begins no command that its own time no longer suffices for: that is a check that failed', async () => {
    const { bed, probe } = await drilled({ commands: ['one', 'two'] }, ({ restores }) => {
      restores.agent = [true]
      restores.exits = { one: 0, two: 0 }
    })
    const remainingMilliseconds = () => (bed.restores.calls.includes('run one') ? 60_000 : 900_000)
    const { passed, checks } = await probe({ remainingMilliseconds })
    expect(passed).toBe(false)
    expect(checks.slice(-2)).toEqual([
      ['command', true],
      ['command', false],
    ])
    expect(bed.restores.calls).not.toContain('run two')
  })
})

import { describe, expect, it } from 'vitest'
import { lockEnv, requiredLockOf } from '../../../functions/contracts/task-env.ts'

describe('the lock that a deployment demands, as functions read it', () => {
  it('is a mode and days, or none', () => {
    expect(requiredLockOf('compliance:3650')).toEqual({ mode: 'compliance', days: 3650 })
    expect(requiredLockOf('governance:1')).toEqual({ mode: 'governance', days: 1 })
    expect(requiredLockOf('')).toBeUndefined()
    expect(requiredLockOf(undefined)).toBeUndefined()
  })

  it.each(['strict:30', 'compliance', 'compliance:', 'compliance:0', 'compliance:30d', 'compliance:123456'])(
    'is refused where it reads %s: a demand that nobody understands must not pass for none',
    (REQUIRED_LOCK) => {
      expect(lockEnv.safeParse({ REQUIRED_LOCK }).success).toBe(false)
    },
  )

  it.each([{}, { REQUIRED_LOCK: '' }, { REQUIRED_LOCK: 'governance:7' }])('is read from %j', (env) => {
    expect(lockEnv.safeParse(env).success).toBe(true)
  })
})

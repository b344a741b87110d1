import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { stored } from '../../fakes/evidence.ts'
import { item } from '../../fakes/ports.ts'
import { defineHandler, type Invocation } from '../../../functions/runtime/define-handler.ts'

const event = { item, artifacts: [artifactOf()], stored: [stored] }
function artifactOf() {
  const location = { node: 'pve1', path: '/a', storage: 'local', volume: 'a' }
  return { artifactRef: 'a', fileName: 'a', sizeBytes: 1, createdAt: '2026-11-22T02:00:07.000Z', location }
}

describe('what Lambda bills of a call', () => {
  it('grows with the call, and includes loading the code only in an environment’s first', async () => {
    const loadedAt = performance.now()
    const billed: [number, number][] = []
    const handler = defineHandler(
      'VerifyArchive',
      async (_input, call: Invocation) => {
        const first = call.billedMilliseconds()
        await delay(30)
        billed.push([first, call.billedMilliseconds()])
        return { matches: true as const }
      },
      (invocation) => invocation,
    )
    await delay(500)
    await handler(event, { getRemainingTimeInMillis: () => 1000 })
    await handler(event, { getRemainingTimeInMillis: () => 1000 })
    const [[cold, coldEnd], [warm, warmEnd]] = [billed[0] ?? [0, 0], billed[1] ?? [0, 0]]
    // The clock began with the process; the wait between loading and the call is nobody's.
    expect(cold).toBeGreaterThanOrEqual(loadedAt)
    expect(cold).toBeLessThan(loadedAt + 450)
    expect(coldEnd - cold).toBeGreaterThan(25)
    expect(warm).toBeLessThan(450)
    expect(warmEnd - warm).toBeGreaterThan(25)
  })
})

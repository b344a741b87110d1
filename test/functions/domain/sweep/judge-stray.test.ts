import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { type Manifest, manifestSchema } from '../../../../functions/contracts/manifest.ts'
import { REPEAT_WINDOW_DAYS } from '../../../../functions/contracts/sweep.ts'
import { type GuestClaim, LEASE_SECONDS } from '../../../../functions/domain/backup/guest-claim.ts'
import { judgeStray, type StrayFacts } from '../../../../functions/domain/sweep/judge-stray.ts'

const NOW = new Date('2026-12-24T02:00:00.000Z')
const ago = (seconds: number) => new Date(NOW.getTime() - seconds * 1000).toISOString()
const claim = (changes: Partial<GuestClaim>): GuestClaim => ({
  version: 1,
  runId: 'run-1',
  execution: 'execution-1',
  renewedAt: ago(60),
  released: false,
  knownJobRefs: [],
  jobRef: 'job-1',
  token: 'token-1',
  ...changes,
})
const temporary = (changes: Partial<StrayFacts>): StrayFacts => ({
  jobRef: 'job-1',
  token: 'token-1',
  artifactRefs: [],
  makes: 'temporary',
  claim: undefined,
  manifest: undefined,
  ...changes,
})

describe('what only serves a transfer', () => {
  it('goes when nobody has claimed its guest, or another backup is what is claimed', () => {
    expect(judgeStray(temporary({}), NOW)?.remove).toBe(true)
    const other = claim({ jobRef: 'job-2', token: 'token-2' })
    expect(judgeStray(temporary({ claim: other }), NOW)?.remove).toBe(true)
  })

  it('stays while an execution works on it, known by its job or by its token', () => {
    expect(judgeStray(temporary({ claim: claim({}) }), NOW)?.remove).toBe(false)
    const { jobRef: _unknown, ...byToken } = temporary({ claim: claim({}) })
    expect(judgeStray(byToken, NOW)?.remove).toBe(false)
    const { jobRef: _unnamed, ...asked } = claim({})
    expect(judgeStray(temporary({ claim: asked }), NOW)?.remove).toBe(false)
  })

  it('stays for as long as a repeated guest may go on with it, and no longer', () => {
    const kept = (days: number) => claim({ released: true, keptSince: ago(days * 86_400) })
    expect(judgeStray(temporary({ claim: kept(REPEAT_WINDOW_DAYS - 1) }), NOW)?.remove).toBe(false)
    expect(judgeStray(temporary({ claim: kept(REPEAT_WINDOW_DAYS + 1) }), NOW)?.remove).toBe(true)
    const died = claim({ renewedAt: ago(LEASE_SECONDS + 1) })
    expect(judgeStray(temporary({ claim: died }), NOW)?.remove).toBe(false)
  })

  it('stays when it is what the run before had asked for', () => {
    const earlier = { token: 'token-1', backup: { mode: 'snapshot', compress: 'zstd', storage: 'local' } } as const
    const later = claim({ jobRef: 'job-2', token: 'token-2', earlier })
    expect(judgeStray(temporary({ claim: later }), NOW)?.remove).toBe(false)
  })

  it("stays when it may be another installation's, unless a claim of ours names it", () => {
    const doubt = 'It names no bucket.'
    expect(judgeStray(temporary({ doubt }), NOW)).toEqual({ remove: false, reason: doubt })
    const old = claim({ released: true, keptSince: ago((REPEAT_WINDOW_DAYS + 1) * 86_400) })
    expect(judgeStray(temporary({ doubt, claim: old }), NOW)?.remove).toBe(true)
    const other = { ...old, jobRef: 'job-2', token: 'token-2' }
    expect(judgeStray(temporary({ doubt, claim: other }), NOW)?.remove).toBe(false)
  })

  it('stays when its claim can not be read', () => {
    expect(judgeStray(temporary({ claim: 'unreadable' }), NOW)?.remove).toBe(false)
  })
})

describe('a copy with a worth of its own', () => {
  const folder = fileURLToPath(new URL('../../../golden/manifest', import.meta.url))
  const [file = ''] = readdirSync(folder).filter((name) => name.includes('bare'))
  const manifest: Manifest = {
    ...manifestSchema.parse(JSON.parse(readFileSync(`${folder}/${file}`, 'utf8'))),
    deleteSource: true,
  }
  const artifactRefs = manifest.artifacts.map(({ source }) => source.artifactRef)
  const sizeBytes = manifest.artifacts.reduce((sum, { source }) => sum + source.sizeBytes, 0)
  const copy = (changes: Partial<StrayFacts>) =>
    temporary({ makes: 'copy', artifactRefs, sizeBytes, manifest, ...changes })

  it('goes only when its very archive is in the bucket and its job asked for the removal', () => {
    expect(judgeStray(copy({}), NOW)?.remove).toBe(true)
  })

  it.each([
    ['no manifest', { manifest: undefined }],
    ['a manifest that nobody can read', { manifest: 'unreadable' }],
    ['a manifest of another file', { artifactRefs: ['local:backup/another.vma.zst'] }],
    ['no address', { artifactRefs: [] }],
    ['an address more than the manifest has', { artifactRefs: [...artifactRefs, 'local:backup/another.vma.zst'] }],
    ['another size', { sizeBytes: sizeBytes + 1 }],
  ] satisfies [string, Partial<StrayFacts>][])('is left alone with %s', (_, changes) => {
    expect(judgeStray(copy(changes), NOW)).toBeUndefined()
  })

  it('is left alone where the platform does not say its size', () => {
    const { sizeBytes: _unsaid, ...facts } = copy({})
    expect(judgeStray(facts, NOW)).toBeUndefined()
  })

  it('is left alone when its job asked for nothing of the kind', () => {
    const { deleteSource: _asked, ...kept } = manifest
    expect(judgeStray(copy({ manifest: kept }), NOW)).toBeUndefined()
  })
})

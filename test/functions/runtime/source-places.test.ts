import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildSync } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { inSources } from '../../../functions/runtime/source-places.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'guestlift-places-'))
})
afterAll(() => {
  rmSync(folder, { recursive: true })
})

/** The stack of what a bundle throws. */
function stackOf(name: string, sourcemap: boolean): string[] {
  writeFileSync(
    join(folder, `${name}.ts`),
    "interface Unused {\n  some: string\n}\n\nexport function fail(): never {\n  throw new Error('here')\n}\n",
  )
  const outfile = join(folder, `${name}.js`)
  const options = { bundle: true, minify: true, platform: 'node', format: 'cjs', sourcesContent: false } as const
  buildSync({ ...options, entryPoints: [join(folder, `${name}.ts`)], outfile, sourcemap })
  const { fail } = createRequire(import.meta.url)(outfile) as { fail: () => never }
  try {
    return fail()
  } catch (error) {
    return (error as Error).stack?.split('\n') ?? []
  }
}

describe('a stack trace that is logged', () => {
  it('names the places in the sources, by the map beside the bundle', () => {
    const [message, thrown] = inSources(stackOf('mapped', true))
    expect(message).toBe('Error: here')
    expect(thrown).toMatch(/^ {4}at .*\bmapped\.ts:6:9\)?$/)
  })

  it('stays as it is where there is no map, and where a line names no place', () => {
    const lines = stackOf('bare', false)
    expect(lines[1]).toMatch(/bare\.js:\d+:\d+\)?$/)
    expect(inSources(lines)).toEqual(lines)
    const others = ['    at async Promise.all (index 0)', '    at node:internal/streams/destroy:12:3', '']
    expect(inSources(others)).toEqual(others)
  })
})

import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdir, mkdtemp, realpath, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadBundle } from '../../../local/run/load-bundle.ts'

let directory: string
let cache: string
beforeEach(async () => {
  directory = await realpath(await mkdtemp(join(tmpdir(), 'load-bundle-')))
  cache = join(directory, 'cache')
  await mkdir(cache)
})
afterEach(() => rm(directory, { recursive: true }))

function bundle(source: string, name = 'index.js'): string {
  const path = join(directory, name)
  writeFileSync(path, source)
  return path
}

interface Answering {
  handler: () => unknown
}
const answerOf = ({ exports }: { exports: unknown }): unknown => (exports as Answering).handler()
const kept = (): string[] => readdirSync(cache)

/** With its sum in front, as kept code has it. */
function summed(code: Buffer): Buffer {
  const sum = Buffer.alloc(4)
  sum.writeUInt32LE(crc32(code))
  return Buffer.concat([sum, code])
}

/** Loads it, lets it answer, and keeps what was compiled. */
function loadAndKeep(path: string): unknown {
  const loaded = loadBundle(path, cache)
  const answer = answerOf(loaded)
  loaded.keep()
  return answer
}

describe('a bundle', () => {
  it('is loaded as require loads it', () => {
    const path = bundle(
      '"use strict"; const { sep } = require("node:path"); module.exports = { handler: () => [sep, __filename, __dirname, this === undefined, (function () { return this })()] }',
    )
    const { handler } = createRequire(import.meta.url)(path) as Answering
    const answer = answerOf(loadBundle(path, cache)) as unknown[]
    expect(answer.slice(0, 3)).toEqual((handler() as unknown[]).slice(0, 3))
    // Its own words decide whether it is strict.
    expect(answer[4]).toBeUndefined()
  })

  it('stands in stack traces where it lies, line by line and column by column', async () => {
    const path = bundle('exports.handler = () => new Error("first line").stack\n')
    const { handler } = createRequire(import.meta.url)(path) as Answering
    const placeIn = (stack: unknown) => /\((.*index\.js:\d+:\d+)\)/.exec(String(stack))?.[1]
    expect(placeIn(answerOf(loadBundle(path, cache)))).toBe(placeIn(handler()))
    // A site's own assembly has links to the bundles.
    await symlink(directory, join(directory, 'linked'))
    expect(placeIn(answerOf(loadBundle(join(directory, 'linked', 'index.js'), cache)))).toBe(placeIn(handler()))
  })

  it('leaves its code to the next process once, which then needn’t compile it', () => {
    const path = bundle('exports.handler = () => "whole"')
    expect(loadBundle(path, cache).known).toBe(false)
    expect(kept()).toEqual([])
    expect(loadAndKeep(path)).toBe('whole')
    const [file = ''] = kept()
    const before = readFileSync(join(cache, file))
    const next = loadBundle(path, cache)
    expect(next.known).toBe(true)
    expect(answerOf(next)).toBe('whole')
    writeFileSync(join(cache, file), 'of another process')
    next.keep()
    expect(readFileSync(join(cache, file), 'utf8')).toBe('of another process')
    expect(before.length).toBeGreaterThan(100)
    expect(kept()).toEqual([file])
  })

  it('of as many characters as another never runs with that one’s code', () => {
    expect(loadAndKeep(bundle('exports.handler = () => "one"', 'one.js'))).toBe('one')
    const other = loadBundle(bundle('exports.handler = () => "two"', 'two.js'), cache)
    expect(other.known).toBe(false)
    expect(answerOf(other)).toBe('two')
  })

  it.each([
    ['was damaged', (bytes: Buffer) => bytes.fill(0xff, bytes.length - 40, bytes.length - 20)],
    ['was cut off', (bytes: Buffer) => bytes.subarray(0, bytes.length / 2)],
    ['is empty', () => Buffer.alloc(0)],
  ])('whose kept code %s is compiled anew, and kept again', (_what, change) => {
    const path = bundle('exports.handler = () => "whole"')
    loadAndKeep(path)
    const file = join(cache, kept()[0] ?? '')
    writeFileSync(file, change(readFileSync(file)))
    expect(loadBundle(path, cache).known).toBe(false)
    expect(loadAndKeep(path)).toBe('whole')
    expect(loadBundle(path, cache).known).toBe(true)
  })

  it('whose kept code is whole, and of another V8, is compiled anew', () => {
    const source = 'exports.handler = () => "not compiled before"'
    const file = join(cache, `bundle-${createHash('sha256').update(source).digest('hex')}`)
    writeFileSync(file, summed(Buffer.from('of another version')))
    expect(loadAndKeep(bundle(source))).toBe('not compiled before')
    expect(kept().map((name) => join(cache, name))).toEqual([file])
    expect(readFileSync(file, 'latin1')).not.toContain('of another version')
  })

  it('runs as well where nothing can be kept', () => {
    const path = bundle('exports.handler = () => "whole"')
    for (const folder of [undefined, join(directory, 'nowhere'), path]) {
      const loaded = loadBundle(path, folder)
      loaded.keep()
      expect([loaded.known, answerOf(loaded)]).toEqual([false, 'whole'])
    }
    expect(kept()).toEqual([])
  })
})

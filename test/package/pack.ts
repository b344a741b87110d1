import assert from 'node:assert/strict'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { npm } from './run.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const packedSchema = z.tuple([
  z.object({
    filename: z.string(),
    version: z.string(),
    size: z.int(),
    files: z.array(z.object({ path: z.string() })),
  }),
])

/** Packs the product as it would be published. @throws AssertionError when something is in it that isn't for users */
export async function packProduct(
  folder: string,
): Promise<{ tarball: string; version: string; sizeBytes: number; files: number }> {
  const printed = await npm(root, 'pack', '--json', '--pack-destination', folder)
  // What runs before packing prints too.
  const [{ filename, version, size, files }] = packedSchema.parse(JSON.parse(printed.slice(printed.indexOf('[\n'))))
  const paths = files.map(({ path }) => path)
  const foreign = paths.filter((path) => /^(test|lib|local|functions)\/|(?<!\.d)\.[cm]?ts$|\.map$/.test(path))
  assert.deepEqual(
    foreign.filter((path) => path !== 'bin/own-folders.d.ts'),
    [],
  )
  for (const needed of [
    'bin/guestlift.js',
    'dist/cli/guestlift.js',
    'dist/assembly/manifest.json',
    'dist/constructs/index.d.cts',
    'schemas/deployment.schema.json',
    'docs/install.md',
    'man/guestlift.1',
    'man/guestlift-backups-list.1',
    'LICENSE',
  ]) {
    assert.ok(paths.includes(needed), `${needed} is missing`)
  }
  return { tarball: join(folder, filename), version, sizeBytes: size, files: paths.length }
}

/**
 * Jobs, site files and deployments that people wrote are good for the versions to come, and so is what other programs
 * read in manifests and reports. `released-schemas/` holds the JSON Schemas of each release, which nobody changes:
 * `npm run schemas -- test/released-schemas/<version>` adds those of a new one.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { isWritten, jsonSchemaOf, schemaFile, schemaNames } from '../../local/schemas/json-schemas.ts'
import { incompatibilities, type JsonSchema } from './incompatibilities.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = join(root, 'test/released-schemas')
const released = readdirSync(folder).flatMap((version) =>
  schemaNames
    // A later release may have had more of them.
    .filter((name) => existsSync(join(folder, version, schemaFile(name))))
    .map((name) => ({ version, name })),
)

/** A decision record agrees to a break by quoting its line: `manifest.schema.json: artifacts: removed`. */
const decisions = readdirSync(join(root, 'docs/decisions')).map((file) =>
  readFileSync(join(root, 'docs/decisions', file), 'utf8'),
)

describe('what a release took and wrote', () => {
  it.each(released)('stays good: $name of $version', ({ version, name }) => {
    const older = JSON.parse(readFileSync(join(folder, version, schemaFile(name)), 'utf8')) as JsonSchema
    const breaks = incompatibilities(older, jsonSchemaOf(name), !isWritten(name)).map(
      (line) => `${schemaFile(name)}: ${line}`,
    )
    expect(breaks.filter((line) => !decisions.some((text) => text.includes(`\`${line}\``)))).toEqual([])
  })
})

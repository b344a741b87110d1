/** `npm run schemas`: write the JSON Schemas into a folder, `schemas` unless another is named. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { jsonSchemaOf, schemaFile, schemaNames } from './json-schemas.ts'

const folder = process.argv[2] ?? fileURLToPath(new URL('../../schemas', import.meta.url))
await mkdir(folder, { recursive: true })
for (const name of schemaNames) {
  await writeFile(join(folder, schemaFile(name)), `${JSON.stringify(jsonSchemaOf(name), null, 2)}\n`)
}
process.stdout.write(`Wrote ${schemaNames.map(schemaFile).join(', ')} to ${folder}\n`)

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { jsonSchemaOf, schemaNames, type SchemaName } from '../../../local/schemas/json-schemas.ts'
import { deployment } from '../../../lib/deployments/example.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
/** As an editor would, from the JSON Schema alone. */
const editorOf = (name: SchemaName) => z.fromJSONSchema(jsonSchemaOf(name))
const complaintsOf = (name: SchemaName, value: unknown) =>
  editorOf(name)
    .safeParse(value)
    .error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? []

/** Blocks of JSON in a page that are whole, with a word in place of `…`. */
function examplesIn(page: string): unknown[] {
  const text = readFileSync(join(root, page), 'utf8').replaceAll('…', 'word')
  return [...text.matchAll(/^```json\n(\{[^]*?\})\n```$/gm)].flatMap(([, json = '']) => JSON.parse(json) as unknown)
}
function recordsOf(kind: string): { title: string; record: object }[] {
  const folder = join(root, 'test/golden', kind)
  return readdirSync(folder).map((file) => ({
    title: `${kind}/${file}`,
    record: JSON.parse(readFileSync(join(folder, file), 'utf8')) as object,
  }))
}

describe('the JSON Schemas', () => {
  it.each(schemaNames)('are whole and have a title: %s', (name) => {
    const schema = jsonSchemaOf(name)
    expect(schema).toMatchObject({ $schema: 'https://json-schema.org/draft/2020-12/schema', title: /./ })
    expect(JSON.parse(JSON.stringify(schema))).toEqual(schema)
  })

  it('take the jobs and the site of the pages, with the name of their schema', () => {
    const jobs = examplesIn('docs/jobs.md').filter((one) => typeof one === 'object' && one !== null && 'site' in one)
    const sites = examplesIn('docs/sites.md').filter((one) => Object.keys(one as object).length > 1)
    expect([jobs.length > 2, sites.length]).toEqual([true, 1])
    for (const job of jobs) {
      expect(complaintsOf('job', { $schema: './schemas/job.schema.json', ...(job as object) })).toEqual([])
    }
    for (const site of sites)
      expect(complaintsOf('site', { $schema: 'site.schema.json', ...(site as object) })).toEqual([])
  })

  it('take the example of a deployment', () => {
    expect(complaintsOf('deployment', deployment)).toEqual([])
  })

  it.each([
    ...recordsOf('job').filter(({ title }) => !title.includes('own-options')),
    ...recordsOf('manifest'),
    ...recordsOf('run-report'),
  ])('take $title', ({ title, record }) => {
    const name = { job: 'job', manifest: 'manifest', 'run-report': 'report' }[title.split('/')[0] ?? ''] as SchemaName
    expect(complaintsOf(name, record)).toEqual([])
  })

  it.each<[SchemaName, object, string]>([
    ['job', { site: 'hq', guests: { vmid: [100] } }, 'vmid'],
    ['job', { site: 'hq', guests: { vmids: [99] } }, 'guests.vmids.0'],
    ['job', { site: 'hq', guests: { ids: ['a/b'] } }, 'guests.ids.0'],
    ['job', { guests: { vmids: [100] } }, 'site'],
    ['deployment', { name: 'x1', sites: [] }, 'sites'],
    ['report', { version: 2 }, 'version'],
  ])('refuse a %s such as %j', (name, value, place) => {
    expect(complaintsOf(name, value).join('\n')).toContain(place)
  })

  it('describe every field that a person may write', () => {
    const bare = (['job', 'site'] as const).flatMap((name) => undescribed(jsonSchemaOf(name), name))
    expect(bare).toEqual([])
  })
})

type Json = { [Key in string]?: unknown }

function undescribed(schema: Json, at: string): string[] {
  const children = [schema['oneOf'], schema['anyOf'], schema['items']]
    .flat()
    .filter((one) => one !== undefined) as Json[]
  return [
    ...Object.entries((schema['properties'] ?? {}) as Record<string, Json>).flatMap(([name, property]) => [
      ...(typeof property['description'] === 'string' ? [] : [`${at}.${name}`]),
      ...undescribed(property, `${at}.${name}`),
    ]),
    ...children.flatMap((child) => undescribed(child, at)),
  ]
}

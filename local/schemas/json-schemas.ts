/** JSON Schemas of what people write and what Guestlift writes, for editors, other programs and the compatibility check. */
import * as z from 'zod'
import { auditReportSchema } from '../../functions/contracts/audit.ts'
import { manifestSchema } from '../../functions/contracts/manifest.ts'
import { noticeSchema } from '../../functions/contracts/notice.ts'
import { noticeChannelsSchema } from '../../functions/contracts/notice-channel.ts'
import { runReportSchema } from '../../functions/contracts/report.ts'
import { siteSchema, writtenJobSchema } from '../../functions/providers/registry.ts'
import { deploymentSchema } from '../../lib/deployment-config.ts'
import { settingsSchema } from '../settings/settings-schema.ts'

export type JsonSchema = { [Key in string]?: unknown }

/** `written`: by people, so that what has a default may be left out. `kept`: by Guestlift, which fills everything in. */
interface Described {
  title: string
  schema: z.ZodType
  by: 'written' | 'kept'
}

const described = {
  job: { title: 'A job of Guestlift', schema: writtenJobSchema, by: 'written' },
  site: { title: 'A site of Guestlift', schema: siteSchema, by: 'written' },
  deployment: { title: 'A deployment of Guestlift', schema: deploymentSchema, by: 'written' },
  settings: { title: 'Settings of Guestlift', schema: settingsSchema, by: 'written' },
  manifest: { title: 'manifest.json of an archive', schema: manifestSchema, by: 'kept' },
  report: { title: 'report.json of a run', schema: runReportSchema, by: 'kept' },
  notice: { title: 'A notice, as a webhook gets it', schema: noticeSchema, by: 'kept' },
  channels: { title: 'Channels of notices', schema: noticeChannelsSchema, by: 'written' },
  evidence: { title: 'The evidence of a period: guestlift report --json', schema: auditReportSchema, by: 'kept' },
} as const satisfies Record<string, Described>

export type SchemaName = keyof typeof described
export const schemaNames = Object.keys(described) as SchemaName[]

/** Files that people write may name their schema. */
const schemaProperty = { type: 'string', description: 'The JSON Schema that an editor checks this file by.' }

/** What only a site's local file may say; see `local/run/site-file.ts`. */
const keyFileProperty = {
  type: 'string',
  description: 'Only in a local file: path of the private key, relative to the site file, in place of `privateKey`.',
}

export function isWritten(name: SchemaName): boolean {
  return described[name].by === 'written'
}

/** The JSON Schema (draft 2020-12) of one of them. What no JSON Schema can say, as that two fields agree, is missing. */
export function jsonSchemaOf(name: SchemaName): JsonSchema {
  const { title, schema, by } = described[name]
  const json = z.toJSONSchema(schema, {
    io: by === 'written' ? 'input' : 'output',
    override: ({ jsonSchema }) => {
      if (jsonSchema.properties?.['privateKey'] !== undefined) {
        jsonSchema.properties['privateKeyFile'] = { ...keyFileProperty, type: 'string' }
      }
    },
  })
  if (by === 'kept') return { $schema: json.$schema, title, ...json }
  const { $schema, ...rest } = json
  return { $schema, title, ...withSchemaProperty(rest) }
}

/** Beside the properties of an object, or of each object that it may be. */
function withSchemaProperty(schema: JsonSchema): JsonSchema {
  const { oneOf, properties } = schema
  if (Array.isArray(oneOf)) return { ...schema, oneOf: oneOf.map((one: JsonSchema) => withSchemaProperty(one)) }
  return { ...schema, properties: { $schema: schemaProperty, ...(properties as JsonSchema) } }
}

/** The name of its file in the folder `schemas`. */
export function schemaFile(name: SchemaName): string {
  return `${name}.schema.json`
}

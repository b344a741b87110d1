/** What the API of a site says of the site beside its guests, as one run kept it. */
import * as z from 'zod'
import { instantSchema, platformSchema, siteNameSchema } from './nouns.ts'

/** One kind of thing: all storages, all users. */
export const configurationPartSchema = z.strictObject({
  /** Short, for keys and commands: `storages`. The same from version to version. */
  part: z.string().regex(/^[a-z][a-z0-9-]*$/),
  /** In words, for people. */
  what: z.string(),
  /** As the platform says it, by the name that tells one from the other there. Without secrets. */
  entries: z.record(z.string(), z.unknown()),
  /** Why entries may be missing: a sentence. Absent when all of them are there. */
  incomplete: z.string().optional(),
})
export type ConfigurationPart = z.infer<typeof configurationPartSchema>

export const siteConfigurationSchema = z.strictObject({
  version: z.literal(1),
  site: siteNameSchema,
  platform: platformSchema,
  platformVersion: z.string(),
  takenAt: instantSchema,
  parts: z.array(configurationPartSchema),
  /** Fields that were left out since they may hold secrets, as `realms/ldap: password`. They have to be set anew. */
  leftOut: z.array(z.string()),
})
export type SiteConfiguration = z.infer<typeof siteConfigurationSchema>

export const configurationChangeSchema = z.strictObject({
  part: z.string(),
  /** The entry's name in its part. */
  entry: z.string(),
  change: z.enum(['added', 'removed', 'changed']),
  /** Names of the fields that changed. */
  fields: z.array(z.string()).optional(),
})
export type ConfigurationChange = z.infer<typeof configurationChangeSchema>

/** More changes than these are counted and not listed: state carries 256 KiB, and the records hold all of them. */
export const MOST_CONFIGURATION_CHANGES = 100

/** What a run's report says of the site's configuration. */
export const keptConfigurationSchema = z.strictObject({
  /** Where the record lies that holds it now. */
  key: z.string(),
  /** When that record was written: earlier than this run where nothing changed since. */
  takenAt: instantSchema,
  /** Against the record before, the first of them. None for the first record of a site. */
  changes: z.array(configurationChangeSchema).max(MOST_CONFIGURATION_CHANGES),
  changeCount: z.int().nonnegative(),
  /** A sentence for each part that may lack entries. */
  incomplete: z.array(z.string()),
})
export type KeptConfiguration = z.infer<typeof keptConfigurationSchema>

/** What a machine's settings may say: what commands go by where their options say nothing. */
import * as z from 'zod'
import { siteNameSchema } from '../../functions/contracts/nouns.ts'

export const settingsSchema = z.strictObject({
  bucket: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'a bucket has 3 to 63 lower-case letters, digits, dots or hyphens')
    .optional()
    .describe('The archive bucket, as `--bucket`.'),
  s3: z
    .url({ protocol: /^https?$/, error: 'an endpoint is a URL, as http://127.0.0.1:9000' })
    .optional()
    .describe('Endpoint of S3, when it is not AWS, as `--s3`.'),
  prefix: z.string().min(1).optional().describe('In front of every key, as `--prefix`.'),
  site: siteNameSchema
    .optional()
    .describe('The site that is meant where nothing else names one: no option, job or site file. As `--site`.'),
  siteFile: z.string().min(1).optional().describe('The site file, relative to the settings file. As `--site-file`.'),
  deployment: z
    .string()
    .min(1)
    .optional()
    .describe('The deployment on AWS whose workflows do the work, as `--deployment`.'),
})

export type SettingName = keyof typeof settingsSchema.shape
export const settingNames = Object.keys(settingsSchema.shape) as SettingName[]

/** The variable of a setting: `GUESTLIFT_SITE_FILE`. */
export function variableOf(name: SettingName): string {
  return `GUESTLIFT_${name.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`
}

/** The pages with tables of fields: which schemas they show, and how a table refers to another one. */
import { siteSchema, writtenJobSchema } from '../../functions/providers/registry.ts'
import { deploymentSchema } from '../../lib/deployment-config.ts'
import { settingsSchema } from '../settings/settings-schema.ts'
import { type FieldSchema, fieldAt, fieldsOf, fieldTable } from './field-table.ts'
import { sectionsOf, withSections } from './marked-sections.ts'

/** Pages under docs/, by their names. */
export type Pages = Readonly<Record<string, string>>

/** Fields that are what another field is, and are listed there. */
const sameAs: Readonly<Record<string, string>> = {
  'job.guests.exclude': 'job.guests',
  'deployment.schedules.job': 'job',
  'deployment.retention.retention': 'job.retention',
  'job.retention.orphans': 'job.retention',
  'job.backup.pruneSource': 'job.retention',
  'job.backup.proxmox': 'job.backup',
  'job.limits': 'site[proxmox].limits',
  'site[ec2].limits': 'site[proxmox].limits',
  'site[vsphere].limits': 'site[proxmox].limits',
  'site[vsphere].tls': 'site[proxmox].tls',
  'site[azure].limits': 'site[proxmox].limits',
  'site[azure].tls': 'site[proxmox].tls',
  'site[proxmox].route[https].tls': 'site[proxmox].tls',
  'site[proxmox].restore.auth': 'site[proxmox].auth',
}

/** Each page with its tables as the schemas have them now. @throws where a section names no field */
export function withFieldTables(pages: Pages): Record<string, string> {
  const roots: FieldSchema = {
    properties: {
      job: fieldsOf(writtenJobSchema),
      site: fieldsOf(siteSchema),
      deployment: fieldsOf(deploymentSchema),
      settings: fieldsOf(settingsSchema),
    },
  }
  const places = new Map(
    Object.entries(pages).flatMap(([page, text]) =>
      sectionsOf(text).map(
        ({ subject, heading }) => [subject, { page, anchor: heading.toLowerCase().replaceAll(' ', '-') }] as const,
      ),
    ),
  )
  const table = (page: string, subject: string): string => {
    return fieldTable(fieldAt(roots, subject.split('.')), (below) => {
      const field = [subject, ...below].join('.').replaceAll('[].', '.')
      // The forms of a union have sections of their own: the first one leads to all of them.
      const place = places.get(sameAs[field] ?? field) ?? [...places].find(([one]) => one.startsWith(`${field}[`))?.[1]
      if (place === undefined) return undefined
      return place.page === page ? `#${place.anchor}` : `${place.page}#${place.anchor}`
    })
  }
  return Object.fromEntries(
    Object.entries(pages).map(([page, text]) => [page, withSections(text, (subject) => table(page, subject))]),
  )
}

/** Which archives stay, with Proxmox's names and meaning. */
import * as z from 'zod'

const keep = z.int().positive().optional()

export const retentionSchema = z
  .strictObject({
    'keep-all': z.boolean().optional(),
    'keep-last': keep,
    'keep-hourly': keep,
    'keep-daily': keep,
    'keep-weekly': keep,
    'keep-monthly': keep,
    'keep-yearly': keep,
  })
  .refine((rules) => !(rules['keep-all'] === true && Object.keys(rules).length > 1), {
    error: 'keep-all cannot be combined with other rules',
  })
export type Retention = z.infer<typeof retentionSchema>

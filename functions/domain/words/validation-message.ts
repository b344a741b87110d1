import type { z } from 'zod'
// oxlint-disable-next-line import/no-unassigned-import -- it tells zod, and has nothing to give
import './unknown-keys.ts'

/** All complaints of a failed parse in one line a person can act on: `backup.mode: Invalid option …; guests: Required`. */
export function validationMessage(error: z.ZodError): string {
  return error.issues
    .map((issue) => {
      const path = issue.path.map(String).join('.')
      return path === '' ? issue.message : `${path}: ${issue.message}`
    })
    .join('; ')
}

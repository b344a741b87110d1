/**
 * What zod says of a key that a strict object doesn't have: its name, and the key that may be meant. A finished issue
 * doesn't show the object's keys any more, so zod itself asks here. Importing this is all it takes; it holds for all
 * schemas.
 */
import * as z from 'zod'
import { didYouMean } from './did-you-mean.ts'

z.config({
  customError: (issue) => {
    if (issue.code !== 'unrecognized_keys' || !(issue.inst instanceof z.ZodObject)) return undefined
    const known = Object.keys(issue.inst.shape)
    const named = issue.keys.map((key) => {
      const meant = didYouMean(key, known)
      return `"${key}"${meant === undefined ? '' : ` (did you mean "${meant}"?)`}`
    })
    return `Unrecognized key${named.length > 1 ? 's' : ''}: ${named.join(', ')}`
  },
})

/** What a schema complains of, as a cause and a fix for people. Pure; quotes no value, since it may be a secret. */
import * as z from 'zod'
import { didYouMean } from './did-you-mean.ts'
import { type Located, offsetOf, placeOf } from './text-places.ts'
// oxlint-disable-next-line import/no-unassigned-import -- it tells zod, and has nothing to give
import './unknown-keys.ts'

export interface Complaint {
  path: readonly PropertyKey[]
  /** A field of it that is meant itself. */
  key?: string
  cause: string
  fix: string
}

type Issue = z.core.$ZodIssue

/** @param written the whole value that was complained of @param page shows how such a file is written */
export function complaintsOf(error: z.ZodError, written: unknown, page: string): Complaint[] {
  return error.issues.flatMap((issue) => ofIssue(issue, written, page))
}

/**
 * A line for each, from top to bottom: `hq.json:12:5: route.port: a number is expected, and text is there. Write it without quotes.`
 * @param file its name, its text, and where in the text the fields stand
 */
export function complaintLines(
  complaints: readonly Complaint[],
  { name, text, root }: { name: string; text: string; root: Located },
): string[] {
  return complaints
    .map((complaint) => ({ ...complaint, offset: offsetOf(root, complaint.path, complaint.key) }))
    .toSorted((one, other) => one.offset - other.offset)
    .map(({ path, offset, cause, fix }) => {
      const { line, column } = placeOf(text, offset)
      const field = z.core.toDotPath(path)
      return `  ${name}:${line}:${column}: ${field === '' ? '' : `${field}: `}${cause}. ${fix}`
    })
}

function ofIssue(issue: Issue, written: unknown, page: string): Complaint[] {
  const { path } = issue
  const value = valueAt(written, path)
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => ofUnknownKey(key, issue, page))
  if (value === undefined && issue.code !== 'custom') {
    return [{ path, cause: 'it is missing', fix: `Add it${choiceOf(issue)}; ${page} shows how.` }]
  }
  if (issue.code === 'invalid_union' && issue.errors.length > 0) return ofNearestForm(issue, written, page)
  return [{ path, ...wordsFor(issue, value, page) }]
}

function ofUnknownKey(key: string, issue: Issue, page: string): Complaint {
  const escaped = key.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
  const [, meant] = new RegExp(`"${escaped}" \\(did you mean "([^"]+)"`).exec(issue.message) ?? []
  const fix = meant === undefined ? `Remove it, or correct its name; ${page} lists all.` : `Did you mean "${meant}"?`
  return { path: issue.path, key, cause: `"${key}" is not known here`, fix }
}

/** Of a union's forms, the one that the value comes nearest to is what is complained of. */
function ofNearestForm(issue: z.core.$ZodIssueInvalidUnion, written: unknown, page: string): Complaint[] {
  const whole = (form: readonly Issue[]) => form.filter(({ path }) => path.length === 0).length
  const [nearest = []] = issue.errors.toSorted((a, b) => whole(a) - whole(b) || a.length - b.length)
  return nearest.flatMap((one) => ofIssue({ ...one, path: [...issue.path, ...one.path] }, written, page))
}

function wordsFor(issue: Issue, value: unknown, page: string): { cause: string; fix: string } {
  if (issue.code === 'invalid_type') return ofType(issue.expected, value, page)
  const choices = choicesOf(issue)
  if (choices.length > 0) {
    const meant = typeof value === 'string' ? didYouMean(value, choices) : undefined
    return {
      cause: `it is none of ${choices.join(', ')}`,
      fix: meant === undefined ? 'Write one of them.' : `Did you mean ${meant}?`,
    }
  }
  if (issue.code === 'too_small' && issue.origin !== 'string') return ofBound('at least', issue.origin, issue.minimum)
  if (issue.code === 'too_big' && issue.origin !== 'string') return ofBound('at most', issue.origin, issue.maximum)
  if (issue.code === 'too_small') return { cause: 'the text is too short', fix: 'Write a longer one.' }
  if (issue.code === 'too_big') {
    return { cause: 'the text is too long', fix: `Write at most ${issue.maximum} characters.` }
  }
  // Our own rules say what is right.
  return { cause: issue.message.replace(/\.$/, ''), fix: `Correct it; ${page} shows how.` }
}

function ofBound(
  bound: 'at least' | 'at most',
  origin: string,
  limit: number | bigint,
): { cause: string; fix: string } {
  const isList = origin === 'array' || origin === 'set'
  const side = bound === 'at least' ? (isList ? 'few' : 'small') : isList ? 'many' : 'large'
  return {
    cause: isList ? `the list has too ${side} entries` : `the number is too ${side}`,
    fix: `Write ${bound} ${limit}${isList ? (limit === 1 ? ' entry' : ' entries') : ''}.`,
  }
}

const typeWords: Readonly<Record<string, { name: string; fix: string }>> = {
  string: { name: 'text', fix: 'Write it in quotes.' },
  number: { name: 'a number', fix: 'Write a number, without quotes.' },
  int: { name: 'a whole number', fix: 'Write a whole number, without quotes.' },
  boolean: { name: 'true or false', fix: 'Write true or false, without quotes.' },
  array: { name: 'a list', fix: 'Write a list: [ ] in JSON, lines with - in YAML.' },
  object: { name: 'fields', fix: 'Write fields: { } in JSON, indented lines in YAML.' },
  record: { name: 'fields', fix: 'Write fields: { } in JSON, indented lines in YAML.' },
  null: { name: 'nothing (null)', fix: 'Leave it out.' },
}

function ofType(expected: string, value: unknown, page: string): { cause: string; fix: string } {
  const isList = Array.isArray(value)
  const kind = value === null ? 'null' : isList ? 'array' : typeof value
  const found = typeWords[kind]?.name ?? 'something else'
  const wanted = typeWords[expected] ?? { name: expected, fix: `Correct it; ${page} shows how.` }
  return { cause: `${wanted.name} is expected, and ${found} is there`, fix: wanted.fix }
}

function choicesOf(issue: Issue): string[] {
  if (issue.code === 'invalid_value') return issue.values.map(String)
  return issue.code === 'invalid_union' && 'options' in issue ? (issue.options ?? []).map(String) : []
}

function choiceOf(issue: Issue): string {
  const choices = choicesOf(issue)
  return choices.length === 0 ? '' : ` (${choices.join(', ')})`
}

function valueAt(written: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, step) => (typeof value === 'object' && value !== null ? (Reflect.get(value, step) as unknown) : undefined),
    written,
  )
}

/** Files that people write: a job, a site, a drill, prices, settings. As JSON, JSON with comments, or YAML. */
import { readFile } from 'node:fs/promises'
import { extname } from 'node:path'
import * as z from 'zod'
import { decodeText } from '../../functions/domain/words/decode-text.ts'
import { complaintLines, complaintsOf } from '../../functions/domain/words/complaints.ts'
import { type Flaw, type Located, placeOf, type ReadDocument } from '../../functions/domain/words/text-places.ts'

/** How a kind of file is spoken of. */
export interface DocumentKind {
  /** `job`: of "the job file". */
  noun: string
  /** The page that shows how such a file is written. */
  page: string
  /** How messages name it, where not by its path. */
  shown?: string
  /** What a complaint about it is thrown as. */
  error: (message: string, options?: ErrorOptions) => Error
}

/** A file's content, and what can be said of it when it is wrong. */
export interface WrittenDocument {
  value: unknown
  /** An error that names file, line and column of each field that is wrong. */
  refusal(error: z.ZodError): Error
}

/** One with its text. */
export interface ReadFile extends WrittenDocument {
  text: string
  /** Where in the text its fields stand. */
  root: Located
}

/** @throws the kind's own error, which quotes nothing of the file: it may hold secrets */
export async function readDocument(path: string, kind: DocumentKind): Promise<ReadFile> {
  const { noun, error, shown = path } = kind
  let text: string
  try {
    text = decodeText(await readFile(path))
  } catch (problem) {
    throw error(`The ${noun} file ${shown} can't be read: ${wordsOf(problem)}`)
  }
  const read = await parse(text, path)
  if ('cause' in read) {
    const { line, column } = placeOf(text, read.offset)
    const format = isYaml(path, text) ? 'YAML' : 'JSON'
    throw error(
      `The ${noun} file ${shown} is not valid ${format}:\n  ${shown}:${line}:${column}: ${read.cause}. ${read.fix}`,
    )
  }
  const { value, root } = read
  return {
    value,
    text,
    root,
    refusal: (problem) => {
      const lines = complaintLines(complaintsOf(problem, value, kind.page), { name: shown, text, root })
      return error(`The ${noun} file ${shown} is malformed:\n${lines.join('\n')}`, { cause: problem })
    },
  }
}

/** Do something with a document's value; where it complains of fields, the complaint names their places. */
export function atItsPlaces<Result>(document: WrittenDocument, use: (value: unknown) => Result): Result {
  try {
    return use(document.value)
  } catch (error) {
    if (error instanceof Error && error.cause instanceof z.ZodError) throw document.refusal(error.cause)
    throw error
  }
}

/** By its name; where that says nothing, JSON is known by its first bracket. */
function isYaml(path: string, text: string): boolean {
  const ending = extname(path).toLowerCase()
  if (ending === '.yaml' || ending === '.yml') return true
  return ending !== '.json' && ending !== '.jsonc' && !/^\s*[[{/]/.test(text)
}

/** Each parser is loaded where it is needed: most commands read no file. */
async function parse(text: string, path: string): Promise<ReadDocument | Flaw> {
  if (isYaml(path, text)) return (await import('./yaml-document.ts')).readYaml(text)
  return (await import('./json-document.ts')).readJson(text)
}

/** The system's words, without the path: it was named. */
function wordsOf(problem: unknown): string {
  const code = problem instanceof Error && 'code' in problem ? String(problem.code) : ''
  const known: Readonly<Record<string, string>> = {
    ENOENT: 'there is no such file. Check the path.',
    EACCES: 'this account may not read it. Check its mode and owner.',
    EISDIR: 'it is a folder. Name a file in it.',
  }
  return known[code] ?? (problem instanceof Error ? problem.message : String(problem))
}

import { readFile } from 'node:fs/promises'
import { decodeText } from '../../../functions/domain/words/decode-text.ts'
import { CliError } from '../../run/cli-error.ts'

/** A job as a person wrote it, parsed as JSON and nothing more. @throws CliError naming the file */
export function readJobFile(path: string): Promise<unknown> {
  return readJsonFile(path, 'job')
}

/** @param noun what the file holds. @throws CliError naming the file */
export async function readJsonFile(path: string, noun: string): Promise<unknown> {
  const because = (error: unknown) => (error instanceof Error ? error.message : String(error))
  let text: string
  try {
    text = decodeText(await readFile(path))
  } catch (error) {
    throw new CliError(`The ${noun} file ${path} can't be read: ${because(error)}`)
  }
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new CliError(`The ${noun} file ${path} is not valid JSON: ${because(error)}`)
  }
}

import { readFile } from 'node:fs/promises'
import { type PriceTable, priceTableSchema } from '../../functions/contracts/prices.ts'
import { listPrices } from '../../functions/domain/list-prices.ts'
import { validationMessage } from '../../functions/domain/validation-message.ts'
import { CliError } from './cli-error.ts'

/** The user's own table, or the list prices. @throws CliError naming the file and what is wrong in it */
export async function readPrices(path: string | undefined): Promise<PriceTable> {
  if (path === undefined) return listPrices
  let json: unknown
  try {
    json = JSON.parse(await readFile(path, 'utf8'))
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new CliError(`The price file ${path} can't be read: ${why}`)
  }
  const parsed = priceTableSchema.safeParse(json)
  if (parsed.success) return parsed.data
  throw new CliError(
    `The price file ${path} is malformed: ${validationMessage(parsed.error)}. \`guestlift prices\` prints a whole one to begin with.`,
  )
}

import { readFile } from 'node:fs/promises'
import { type Command, Option } from 'commander'
import { destinationSchema, type PriceTable, priceTableSchema } from '../../../functions/contracts/prices.ts'
import { decodeText } from '../../../functions/domain/words/decode-text.ts'
import { listPrices } from '../../../functions/domain/prices/list-prices.ts'
import { validationMessage } from '../../../functions/domain/words/validation-message.ts'
import { CliError } from '../../run/cli-error.ts'

/** For commands that tell what a restore costs. */
export function withPriceOptions(command: Command): Command {
  return command
    .option('--prices <prices.json>', 'your own price table, in the shape that `guestlift prices` prints')
    .addOption(
      new Option('--destination <where>', 'where a restore would read it to')
        .choices(destinationSchema.options)
        .default('internet'),
    )
}

/** The user's own table, or the list prices. @throws CliError naming the file and what is wrong in it */
export async function readPrices(path: string | undefined): Promise<PriceTable> {
  if (path === undefined) return listPrices
  let json: unknown
  try {
    json = JSON.parse(decodeText(await readFile(path)))
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

import { type Command, Option } from 'commander'
import { destinationSchema, type PriceTable, priceTableSchema } from '../../../functions/contracts/prices.ts'
import { listPrices } from '../../../functions/domain/prices/list-prices.ts'
import { withoutSchema } from '../../../functions/domain/words/without-schema.ts'
import { readDocument } from '../../documents/read-document.ts'
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
  const document = await readDocument(path, {
    noun: 'price',
    page: '`guestlift prices`',
    error: (message, options) => new CliError(message, options),
  })
  const parsed = priceTableSchema.safeParse(withoutSchema(document.value))
  if (parsed.success) return parsed.data
  throw document.refusal(parsed.error)
}

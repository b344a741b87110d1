/** `npm run verdicts`: every combination of evidence with its verdict, as one JSON array with a row a line. */
import { once } from 'node:events'
import { allVerdicts } from './combinations.ts'

// A reader that has seen enough, such as `head`, closes the pipe.
process.stdout.on('error', () => process.exit())

let lead = '[\n'
for (const row of allVerdicts()) {
  if (!process.stdout.write(`${lead}${JSON.stringify(row)}`)) await once(process.stdout, 'drain')
  lead = ',\n'
}
process.stdout.write('\n]\n')

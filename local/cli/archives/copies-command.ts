/** `guestlift copies`: whether a second bucket holds the archives, too, by that bucket's own word. */
import type { Command } from 'commander'
import { UsageError } from '../../run/cli-error.ts'
import type { CataloguedGuest } from '../../../functions/domain/catalogue/catalogue-guests.ts'
import { guestsIn } from '../../../functions/domain/catalogue/catalogue-guests.ts'
import { lockWords } from '../../../functions/domain/transfer/object-lock.ts'
import { counted } from '../../../functions/domain/words/counted.ts'
import { inOrder } from '../../../functions/operations/books/ordered-lookahead.ts'
import { findGuests } from '../../../functions/operations/catalogue/find-archive.ts'
import { readCatalogue } from '../../../functions/operations/catalogue/read-catalogue.ts'
import { type CopyProof, proveCopy } from '../../../functions/operations/verification/prove-copy.ts'
import { type BucketOptions, type OpenBucket, openBucket, requestLine } from '../bucket-store.ts'
import { exitCodes, exitHelp } from '../exit-codes.ts'
import { plain } from '../print/columns.ts'
import { printLines, printNotes } from '../print/terminal.ts'
import { addSecondOptions, openSecond, type SecondOptions } from '../second-bucket.ts'
import { siteOption, withBucketOptions } from '../shared-options.ts'
import type { StopSignals } from '../stop-signals.ts'

interface CopiesOptions extends BucketOptions, SecondOptions {
  site?: string
  archives?: true
  json?: boolean
}

/** Archives that are compared at the same time. */
const COMPARED_AT_ONCE = 8

export function addCopiesCommand(program: Command, stop: StopSignals): void {
  const command = program
    .command('copies')
    .description('show whether a second bucket holds the archives, too: by checksums and locks that its own S3 reports')
    .argument(
      '[guest or key]',
      'the archives of this one: 100, vm-100, hq/vm-100, a name, or an address below archives/',
    )
    .addOption(siteOption('only archives of this site'))
    .option('--archives', "all archives, in place of each guest's newest whole one")
  addSecondOptions(withBucketOptions(command), { needed: true })
    .option('--json', 'print one line of JSON')
    .addHelpText(
      'after',
      `
Nothing is copied. Let S3 replicate the bucket, or copy it by any tool, under the same keys.${exitHelp({
        succeeded: 'the second bucket holds all of them, as its own S3 says',
        failed: 'it holds none, or there is nothing to compare',
        partial: 'it lacks some, or could not be asked',
      })}`,
    )
    .action(async (what: string | undefined, options: CopiesOptions) => {
      stop.onInterrupt(() => process.exit(exitCodes.interrupted))
      process.exitCode = await proveCopies(what, options)
    })
}

async function proveCopies(what: string | undefined, options: CopiesOptions): Promise<number> {
  const opened = openBucket(options)
  const other = openSecond(options, options)
  if (other === undefined) throw new UsageError('copies needs --second <name>.')
  const secondBucket = other.store.bucket
  const ports = { store: opened.store, second: other.store, now: () => new Date() }
  const guests = await guestsOf(what, options, opened)
  const folders = guests.flatMap((guest) => foldersOf(guest, options.archives === true))
  const proofs: CopyProof[] = []
  for await (const proof of inOrder(folders, COMPARED_AT_ONCE, (folder) => proveCopy(folder, ports))) proofs.push(proof)
  const proved = proofs.filter(({ state }) => state === 'proved').length
  if (options.json === true) {
    process.stdout.write(
      `${JSON.stringify({ version: 1, bucket: options.bucket, second: secondBucket, proved, archives: proofs })}\n`,
    )
  } else {
    printLines([
      ...proofs.flatMap(proofLines),
      `${proved} of ${counted(proofs.length, 'archive')} proved in s3://${plain(secondBucket)}.`,
    ])
    printNotes([requestLine(opened), `In the second bucket: ${requestLine(other)}`])
  }
  if (proved === 0) return exitCodes.failed
  return proved === proofs.length ? exitCodes.succeeded : exitCodes.partial
}

async function guestsOf(
  what: string | undefined,
  { site }: CopiesOptions,
  ports: Pick<OpenBucket, 'store' | 'keyPrefix'>,
): Promise<CataloguedGuest[]> {
  if (what !== undefined) return (await findGuests(what, { site }, ports)).guests
  const guests: CataloguedGuest[] = []
  for await (const read of readCatalogue(site === undefined ? {} : { site }, ports)) guests.push(...guestsIn(read))
  return guests
}

/** An archive that isn't whole can have no copy that counts. */
function foldersOf({ entries }: CataloguedGuest, all: boolean): string[] {
  const whole = entries.filter(({ state }) => state === 'complete')
  return (all ? whole : whole.slice(-1)).map(({ folder }) => folder)
}

const words = { proved: 'proved', lacking: 'NO SECOND COPY', 'not-known': 'NOT KNOWN' } as const

function proofLines({ folder, state, reasons, lock }: CopyProof): string[] {
  const held = lock === undefined ? '' : `, under ${lockWords(lock)}`
  return [`${words[state]}: ${plain(folder)}${held}`, ...reasons.map((reason) => `    ${plain(reason)}`)]
}

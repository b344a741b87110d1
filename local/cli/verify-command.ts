import type { Command } from 'commander'
import { exitCodes } from './exit-codes.ts'
import { verificationLines } from './print-verification.ts'
import type { StopSignals } from './stop-signals.ts'
import { verifyLocalFile } from './verify-local.ts'

export interface VerifyOptions {
  local?: string
  manifest?: string
  json?: boolean
}

export function addVerifyCommand(program: Command, stop: StopSignals): void {
  const command = program
    .command('verify')
    .description('read an archive from its first byte to its last, and say whether the restore tool would accept it')
    .option('--local <file>', 'an archive file on this machine')
    .option('--manifest <manifest.json>', "with --local: its manifest (the one beside it, if it is the file's own)")
    .option('--json', 'print the verification as one line of JSON')
    .addHelpText(
      'after',
      `
Exit codes: 0 the restore tool would accept it; 1 it would not, or it could not be read; 64 wrong command line.`,
    )
    .action(async (options: VerifyOptions) => {
      if (options.local === undefined) return command.error('error: verify needs --local <file>')
      // There is nothing to clean up.
      stop.onInterrupt(() => process.exit(exitCodes.interrupted))
      process.exitCode = await verifyHere(options.local, options)
    })
}

async function verifyHere(path: string, options: VerifyOptions): Promise<number> {
  const verification = await verifyLocalFile(path, options.manifest)
  const lines = options.json === true ? [JSON.stringify(verification)] : verificationLines(path, verification)
  process.stdout.write(`${lines.join('\n')}\n`)
  return verification.result === 'accepted' ? exitCodes.succeeded : exitCodes.failed
}

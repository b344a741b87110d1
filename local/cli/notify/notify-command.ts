/** `guestlift notify`: try out where notices go. */
import type { Command } from 'commander'
import type { Notice } from '../../../functions/contracts/notice.ts'
import { exitCodes, exitHelp } from '../exit-codes.ts'
import { notifyOption } from '../shared-options.ts'
import type { StopSignals } from '../stop-signals.ts'
import { out } from '../stream-out.ts'
import { readChannels } from './channels.ts'
import { sendAndWarn } from './send.ts'

export function addNotifyCommand(program: Command, stop: StopSignals): void {
  const notify = program.command('notify').description('try out where notices go')
  notify
    .command('test')
    .description('send a notice to each channel that says that it is a test')
    .addOption(notifyOption().makeOptionMandatory())
    .addHelpText(
      'after',
      exitHelp({ succeeded: 'every channel took it', failed: 'no channel took it', partial: 'some took it, some not' }),
    )
    .action(async ({ notify: given }: { notify: string[] }) => {
      stop.onInterrupt(() => process.exit(exitCodes.interrupted))
      process.exitCode = await sendTest(given)
    })
}

async function sendTest(given: readonly string[]): Promise<number> {
  const channels = await readChannels(given)
  const all = await sendAndWarn(channels, testNotice(new Date()))
  const taken = all.filter(({ sent }) => sent.delivered)
  await out(taken.map(({ channel }) => `${channel} took the test.\n`).join(''))
  if (taken.length === all.length) return exitCodes.succeeded
  return taken.length === 0 ? exitCodes.failed : exitCodes.partial
}

function testNotice(at: Date): Notice {
  return {
    version: 1,
    id: `test/${at.toISOString()}`,
    event: 'test',
    severity: 'info',
    at: at.toISOString(),
    deployment: 'local',
    workflow: 'test',
    subject: 'Guestlift: this is a test',
    summary: 'This is a test of the channel. Nothing happened to any archive.',
    guests: [],
    guestCount: 0,
    notes: [],
  }
}

import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { GetObjectCommand } from '@aws-sdk/client-s3'
import type { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { createS3Client } from '../../../functions/aws/s3-client.ts'
import { NodeOffline, PlatformUnavailable, StoreUnavailable, UnknownSite } from '../../../functions/contracts/errors.ts'
import { emptyOutcome } from '../../../functions/operations/books/outcomes.ts'
import { CliError, UsageError } from '../../../local/run/cli-error.ts'
import { exitCodeOfError, exitCodeOfFailure, exitCodeOfRun } from '../../../local/cli/exit-codes.ts'
import { guestliftProgram } from '../../../local/cli/program.ts'
import { listenForStop } from '../../../local/cli/stop-signals.ts'

const failed = (...verdicts: string[]) => ({
  outcome: 'failed' as const,
  guests: verdicts.map((verdict) => emptyOutcome({ id: '100' }, 'failed', verdict, 'why', 0)),
})

/** A command's commands that do something themselves, with their words. */
function leaves(command: Command, words: string[] = []): { words: string; command: Command }[] {
  if (command.commands.length === 0) return [{ words: words.join(' '), command }]
  return command.commands.flatMap((child) => leaves(child, [...words, child.name()]))
}

function helpOf(command: Command): string {
  let text = ''
  command.configureOutput({ writeOut: (part) => (text += part) }).outputHelp()
  return text
}

describe('exit codes', () => {
  it.each([
    [new UsageError('which?'), 64],
    [new UnknownSite('which?'), 64],
    [new PlatformUnavailable('gone'), 3],
    [new NodeOffline('gone'), 3],
    [new StoreUnavailable('gone'), 3],
    [new CliError('no'), 1],
    [new Error('what?'), 1],
    ['what?', 1],
  ])('of %s', (error, code) => {
    expect(exitCodeOfError(error)).toBe(code)
  })

  it('tell an AWS that did not answer from one that refused', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as AddressInfo
    await new Promise((resolve) => server.close(resolve))
    const credentials = { accessKeyId: 'a', secretAccessKey: 'b' }
    const client = createS3Client({ endpoint: `http://127.0.0.1:${port}`, region: 'r', credentials, maxAttempts: 1 })
    const error: unknown = await client.send(new GetObjectCommand({ Bucket: 'b', Key: 'k' })).catch((cause) => cause)
    expect(exitCodeOfError(error)).toBe(3)
    expect(exitCodeOfError(Object.assign(new Error('no'), { $metadata: { httpStatusCode: 403 } }))).toBe(1)
    expect(exitCodeOfError(Object.assign(new Error('no'), { $metadata: { httpStatusCode: 503 } }))).toBe(3)
    client.destroy()
  })

  it('of a run that archived nobody say what did not answer, where that is the whole cause', () => {
    expect(exitCodeOfRun(failed('StoreUnavailable', 'StoreUnavailable'))).toBe(3)
    expect(exitCodeOfRun(failed('NodeOffline', 'PlatformUnavailable'))).toBe(3)
    expect(exitCodeOfRun(failed('StoreUnavailable', 'NodeOffline'))).toBe(3)
    expect(exitCodeOfRun(failed('StoreUnavailable', 'BackupFailed'))).toBe(1)
    expect(exitCodeOfRun(failed())).toBe(1)
    expect(exitCodeOfRun({ ...failed('StoreUnavailable'), outcome: 'partial' })).toBe(2)
    expect(exitCodeOfFailure('StoreUnavailable')).toBe(3)
  })

  const stop = listenForStop({ on: () => undefined, off: () => undefined })
  it.each(leaves(guestliftProgram(stop)).map(({ words, command }) => [words, command] as const))(
    'are told by guestlift %s --help',
    (_, command) => {
      expect(helpOf(command)).toMatch(/Exit codes:\n {2}0 .*[\s\S]* {2}3 .*\n {2}64 .*\n {2}130 /)
    },
  )
})

/** The commands that talk to a site themselves, with its site file and without AWS: `backups`, `guest`, `tasks`. */
import { type Command, InvalidArgumentError } from 'commander'
import { type KeepRules, keepRulesSchema } from '../../../functions/contracts/retention.ts'
import { validationMessage } from '../../../functions/domain/words/validation-message.ts'
import {
  backupNotes,
  type ConfirmOptions,
  deleteBackups,
  latestBackup,
  type ListOptions,
  listBackups,
  previewPrune,
  protectBackups,
  type WhereOptions,
} from './backups-command.ts'
import { guestStatus, powerGuest } from './guest-command.ts'
import { exitHelp } from '../exit-codes.ts'
import { GUEST_WORDS } from '../guest-words.ts'
import { siteFileOption, siteNameOption } from '../shared-options.ts'
import type { SiteOptions } from './on-site.ts'
import type { StopSignals } from '../stop-signals.ts'
import { secondsOption, utcOption } from '../time-option.ts'
import { listTasks, stopTask, taskLog } from './tasks-command.ts'

type Finish = (code: Promise<number>) => Promise<void>

export function addSiteCommands(program: Command, stop: StopSignals): void {
  const finish: Finish = async (code) => {
    process.exitCode = await code
  }
  addBackups(program, stop, finish)
  addGuest(program, stop, finish)
  addTasks(program, stop, finish)
}

/** A subcommand with what all of them have. */
function siteCommand(parent: Command, usage: string, description: string): Command {
  return parent
    .command(usage)
    .description(description)
    .addOption(siteFileOption())
    .addOption(siteNameOption('took-file'))
    .addOption(utcOption())
    .option('--json', 'print the result as one line of JSON')
    .addHelpText('after', siteExits)
}

const siteExits = exitHelp({
  succeeded: 'done',
  failed: 'not done',
  partial: 'done in part, or not everything could be seen',
})

/** A subcommand about archives that are there. */
function archiveCommand(parent: Command, usage: string, description: string): Command {
  return siteCommand(parent, usage, description)
    .option('--storage <id>', 'only this storage (default: all that take backups)')
    .option('--node <name>', 'only this node; needed when the same name is on several')
}

const rules = ['last', 'hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const
type RuleOptions = { [Rule in (typeof rules)[number] as `keep${Capitalize<Rule>}`]?: number } & { keepAll?: boolean }

function addBackups(program: Command, stop: StopSignals, finish: Finish): void {
  const backups = program.command('backups').description("archives on the platform's own storages")
  archiveCommand(backups, 'list', 'list them, newest first')
    .option('--guest <guest>', `only of this guest: ${GUEST_WORDS}`)
    .action((options: ListOptions) => finish(listBackups(options, stop)))
  archiveCommand(backups, 'latest', "show a guest's newest one")
    .argument('<guest>', GUEST_WORDS)
    .action((guest: string, options: WhereOptions) => finish(latestBackup(guest, options, stop)))
  archiveCommand(backups, 'delete', 'remove some; protected ones stay')
    .argument('<archive...>', 'address (local:backup/…) or file name')
    .option('--confirm', 'really do it; without it, only show what would go')
    .action((refs: string[], options: ConfirmOptions) => finish(deleteBackups(refs, options, stop)))
  archiveCommand(backups, 'notes', "show an archive's notes, or replace them")
    .argument('<archive>', 'address (local:backup/…) or file name')
    .argument('[text]', 'the new notes; "" for none')
    .action((ref: string, text: string | undefined, options: WhereOptions) =>
      finish(backupNotes(ref, text, options, stop)),
    )
  for (const [name, wanted] of [
    ['protect', true],
    ['unprotect', false],
  ] as const) {
    archiveCommand(
      backups,
      name,
      wanted ? 'protect some from being removed, also by pruning' : 'remove that protection',
    )
      .argument('<archive...>', 'address (local:backup/…) or file name')
      .action((refs: string[], options: WhereOptions) => finish(protectBackups(refs, wanted, options, stop)))
  }
  const preview = siteCommand(backups, 'prune-preview', "what the platform's own pruning would remove; changes nothing")
    .requiredOption('--storage <id>', 'the storage')
    .option('--node <name>', 'only this node')
    .option('--guest <guest>', `only of this guest: ${GUEST_WORDS}`)
    .option('--keep-all', 'keep everything')
  for (const rule of rules) preview.option(`--keep-${rule} <n>`, "in place of the storage's own rules", whole)
  preview.action((options: ListOptions & RuleOptions & { storage: string }, command: Command) =>
    finish(previewPrune({ ...options, rules: rulesFrom(options, command) }, stop)),
  )
}

function rulesFrom(options: RuleOptions, command: Command): KeepRules | undefined {
  const given = Object.entries(options).flatMap(([name, value]) => {
    const rule = /^keep([A-Z][a-z]+)$/.exec(name)?.[1]
    return rule === undefined ? [] : [[`keep-${rule.toLowerCase()}`, value]]
  })
  if (given.length === 0) return undefined
  const parsed = keepRulesSchema.safeParse(Object.fromEntries(given))
  if (!parsed.success) command.error(`error: ${validationMessage(parsed.error)}`)
  return parsed.data
}

interface StopFlags extends SiteOptions {
  timeout: number
  confirm?: boolean
}

interface PowerFlags extends SiteOptions {
  timeout: number
  forceStop?: boolean
  confirm?: boolean
}

const powers = [
  ['start', 'start it'],
  ['shutdown', 'ask it to shut down'],
  ['stop', 'stop it at once, like pulling the plug'],
  ['reboot', 'shut it down and start it again'],
] as const

function addGuest(program: Command, stop: StopSignals, finish: Finish): void {
  const guest = program.command('guest').description("show or change a guest's state")
  siteCommand(guest, 'status', 'show its state at this moment')
    .argument('<guest>', GUEST_WORDS)
    .action((id: string, options: SiteOptions) => finish(guestStatus(id, options, stop)))
  for (const [action, description] of powers) {
    const command = siteCommand(guest, action, `${description}, and wait for it`)
      .argument('<guest>', GUEST_WORDS)
      .option('--timeout <duration>', 'how long it may take: seconds, or as 3m', secondsOption, 180)
    if (action === 'shutdown') command.option('--force-stop', 'pull the plug when the time is over')
    if (action !== 'start') command.option('--confirm', 'really do it; without it, only show what would happen')
    command.action((id: string, { timeout: timeoutSeconds, ...options }: PowerFlags) =>
      finish(powerGuest(id, action, { ...options, timeoutSeconds }, stop)),
    )
  }
}

function addTasks(program: Command, stop: StopSignals, finish: Finish): void {
  const tasks = program.command('tasks').description('tasks on the platform of the account in the site file')
  siteCommand(tasks, 'list', 'those that run now')
    .option('--hours <n>', 'also those that ended within this many hours', whole)
    .option('--guest <guest>', `only about this guest: ${GUEST_WORDS}`)
    .action((options: SiteOptions) => finish(listTasks(options, stop)))
  siteCommand(tasks, 'log', "a task's whole log")
    .argument('<task>', 'as "tasks list" shows it')
    .action((ref: string, options: SiteOptions) => finish(taskLog(ref, options, stop)))
  siteCommand(tasks, 'stop', 'stop one, wait for its end, and see that its guest is unlocked')
    .argument('<task>', 'as "tasks list" shows it')
    .option('--confirm', 'really do it; without it, only show what would happen')
    // Proxmox asks a task to end and kills it 5 s later; a worker takes its guest's lock off last.
    .option(
      '--timeout <duration>',
      'how long its end may take, and then the unlocking of its guest: seconds, or as 3m',
      secondsOption,
      60,
    )
    .action((ref: string, { timeout: timeoutSeconds, ...options }: StopFlags) =>
      finish(stopTask(ref, { ...options, timeoutSeconds }, stop)),
    )
}

function whole(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('Give a whole number from 1 on.')
  return Number(text)
}

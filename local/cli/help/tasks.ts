/** Commands by task, and an example of each: the order in which `--help` shows them. */

interface Task {
  heading: string
  /** By the words of a command, the words behind `guestlift` that do something useful. */
  examples: Readonly<Record<string, string>>
}

export const tasks: readonly Task[] = [
  {
    heading: 'Begin:',
    examples: {
      demo: 'demo',
      init: 'init',
      doctor: 'doctor job.json --site-file site.json --bucket my-archives',
      platforms: 'platforms',
      guests: "guests --site-file site.json --tag prod --exclude-name '*-test'",
      config: 'config',
    },
  },
  {
    heading: 'Archive:',
    examples: {
      plan: 'plan job.json --site-file site.json --bucket my-archives',
      quote: 'quote job.json --site-file site.json --class GLACIER_IR --days 180',
      run: 'run job.json --local --site-file site.json --bucket my-archives',
      'notify test': 'notify test --notify channels.json',
      follow: 'follow arn:aws:states:eu-central-1:123456789012:execution:guestlift-production-export-run:nightly',
    },
  },
  {
    heading: 'Look at archives:',
    examples: {
      list: 'list --bucket my-archives --since 7d',
      search: "search 'web 2026-11' --bucket my-archives",
      show: 'show hq/vm-100 --bucket my-archives --at tuesday',
      coverage: 'coverage --bucket my-archives --site-file site.json --every 24h',
      metrics: 'metrics --prometheus --bucket my-archives --out guestlift.prom',
      mcp: 'mcp --bucket my-archives',
      'catalog page': 'catalog page --bucket my-archives --out archives.html',
      'catalog rebuild': 'catalog rebuild --bucket my-archives --site hq',
    },
  },
  {
    heading: 'Prove and restore:',
    examples: {
      verify: 'verify --archive hq/vm-100 --bucket my-archives',
      copies: 'copies --bucket my-archives --second my-archives-abroad --second-region eu-west-1',
      restore: 'restore vm-100 --local --site-file site.json --bucket my-archives --vmid 9100 --confirm',
      drill: 'drill 100 101 --local --site-file site.json --bucket my-archives --ids 9900-9949',
      report: 'report --bucket my-archives --from 2026-07-01 --to 2026-09-30 --out evidence.html',
      extract: 'extract vm-100 --bucket my-archives --disk scsi0 --output disk.raw',
    },
  },
  {
    heading: 'Keep in order:',
    examples: {
      prune: 'prune --bucket my-archives --site hq --keep-last 7 --keep-weekly 4',
      'archive pin': "archive pin hq/vm-100 --bucket my-archives --reason 'before the move'",
      'archive unpin': 'archive unpin hq/vm-100 --bucket my-archives --at 2026-11-22',
      'archive hold': 'archive hold hq/vm-100 --bucket my-archives --at 2026-11-22',
      'archive release': 'archive release archives/hq/vm-100/2026-11-22T02-00-07Z/ --bucket my-archives',
      sweep: 'sweep --local --bucket my-archives --dry-run',
      'unfinished list': 'unfinished list --bucket my-archives',
      'unfinished adopt': 'unfinished adopt --bucket my-archives --confirm',
      'unfinished remove': 'unfinished remove archives/hq/vm-100/2026-11-22T02-00-07Z/ --bucket my-archives --confirm',
      bill: 'bill --bucket my-archives --site hq --keep-last 7',
      prices: 'prices',
      'site show': 'site show hq --bucket my-archives',
      'site configuration': 'site configuration hq --bucket my-archives --part storages',
      'site accept': 'site accept hq --cluster pve-0123456789 --bucket my-archives',
    },
  },
  {
    heading: "On the site's own platform:",
    examples: {
      'backups list': 'backups list --site-file site.json --guest 100',
      'backups latest': 'backups latest vm-100 --site-file site.json',
      'backups delete': 'backups delete vzdump-qemu-100-2026_11_22-02_00_07.vma.zst --site-file site.json --confirm',
      'backups notes':
        "backups notes vzdump-qemu-100-2026_11_22-02_00_07.vma.zst 'before the move' --site-file site.json",
      'backups protect': 'backups protect vzdump-qemu-100-2026_11_22-02_00_07.vma.zst --site-file site.json',
      'backups unprotect': 'backups unprotect vzdump-qemu-100-2026_11_22-02_00_07.vma.zst --site-file site.json',
      'backups prune-preview': 'backups prune-preview --storage local --keep-last 3 --site-file site.json',
      'guest status': 'guest status vm-100 --site-file site.json',
      'guest start': 'guest start vm-100 --site-file site.json',
      'guest shutdown': 'guest shutdown vm-100 --timeout 3m --site-file site.json --confirm',
      'guest stop': 'guest stop vm-100 --site-file site.json --confirm',
      'guest reboot': 'guest reboot vm-100 --site-file site.json --confirm',
      'tasks list': 'tasks list --hours 24 --site-file site.json',
      'tasks log': "tasks log '<task>' --site-file site.json",
      'tasks stop': "tasks stop '<task>' --site-file site.json --confirm",
    },
  },
  {
    heading: 'Help:',
    examples: { completion: 'completion bash', 'exit-codes': 'exit-codes', help: 'help run' },
  },
]

/** A command's line in `guestlift --help`; its own help has more. */
export const summaries: Readonly<Record<string, string>> = {
  demo: 'play the whole product here, with a proof',
  init: 'set up a site, a job and settings by questions',
  doctor: 'check site, routes and store before a run',
  platforms: 'show the platforms, and what each can do',
  guests: 'list and search the guests of a site',
  config: 'show the settings that hold here, and why',
  plan: 'show what a job would archive, and at what price',
  quote: 'estimate what a run and keeping its archives cost',
  run: 'run a job: on AWS, or with --local on this machine',
  follow: 'follow a run on AWS that was started earlier',
  notify: 'try out where notices go',
  list: 'list what the bucket holds, guest by guest',
  search: 'find archives by name, notes, tags, id or day',
  show: 'show one guest or archive, and how to restore it',
  coverage: 'show which guests have a recent, whole archive',
  metrics: 'print figures for monitoring',
  mcp: 'answer agents about the bucket, only reading',
  catalog: 'write the HTML page, or rebuild the index',
  verify: 'read archives back whole, and judge them',
  copies: 'prove that a second bucket holds the archives',
  restore: 'bring one guest back, and compare it',
  drill: 'rehearse restores, and keep the evidence',
  report: 'show what a period proves, for an auditor',
  extract: 'take a disk or files out of an archive',
  prune: 'remove archives by rules; a dry run at first',
  archive: 'pin or hold one archive, against removal',
  sweep: 'drop abandoned uploads, and what backups left',
  unfinished: 'list, finish or remove what has no manifest',
  bill: 'estimate what the bucket costs a month',
  prices: 'print the price table as JSON',
  site: 'which cluster a site is, and who is absent',
  backups: "archives on the platform's own storages",
  guest: "show or change a guest's state",
  tasks: "see and stop the account's tasks on the platform",
  completion: 'print the completion script of a shell',
  'exit-codes': 'show what the exit codes mean',
}

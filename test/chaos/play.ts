/** Plays one round: a site, a bucket, the command line, what goes wrong, a quiet end, and the record of it all. */
import { appendFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type Lab, startLab } from '../../local/labs/proxmox/lab.ts'
import { type Act, actWords, type Line, type RoundPlan } from './act.ts'
import { isOfStoreTest, lookAtBucket } from './bucket-look.ts'
import { type CommandLine, runCommandLine } from './command-line.ts'
import { Oracle } from './oracle.ts'
import { type Proxy, startProxy } from './proxy.ts'
import { Random } from './random.ts'
import type { RoundRecord, RunEnd } from './record.ts'
import { S3Child } from './s3-child.ts'
import type { S3Mood } from './s3-process.ts'

const bucket = 'archives'
const credentials = { accessKeyId: 'chaos', secretAccessKey: 'chaos-secret-key' }
/** Parts that one function has in flight: so many answers a blow may lose. */
const IN_FLIGHT = 4

interface World {
  plan: RoundPlan
  lab: Lab
  s3: S3Child
  lines: Record<Line, Proxy>
  clockFile: string
  mood: S3Mood
  /** All that were started, and how many of them have been waited for. */
  begun: CommandLine[]
  collected: number
  start(quiet?: boolean): CommandLine
  chance: Random
  /** What came to pass, a line each. */
  diary: string[]
  excusedParts: number
}

export interface PlayedRound {
  record: RoundRecord
  /** The acts that came to pass. */
  diary: string[]
  /** Where everything of it lies, where it was to be kept. */
  directory: string
}

/** @param keep whether the round's folder stays, as judged by its record */
export async function playRound(plan: RoundPlan, keep: (record: RoundRecord) => boolean): Promise<PlayedRound> {
  const directory = await mkdtemp(join(tmpdir(), 'guestlift-chaos-'))
  const lab = await startLab({
    directory: join(directory, 'lab'),
    guestBytes: plan.guestMib * 2 ** 20,
    secondsPerDump: 0.5,
    unauthorizedDelaySeconds: 0,
  })
  const partsFile = join(directory, 'parts.jsonl')
  writeFileSync(partsFile, '')
  const acts = [...plan.acts]
  const deeds: Promise<void>[] = []
  const s3 = new S3Child({ directory: join(directory, 's3'), bucket, partsFile, ...credentials }, (requests) => {
    while (acts[0] !== undefined && acts[0].atRequest <= requests) {
      const [act] = acts.splice(0, 1)
      if (act !== undefined) deeds.push(perform(act, world))
    }
  })
  await s3.start()
  const lines = {
    s3: await startProxy(s3.port),
    api: await startProxy(Number(new URL(lab.apiUrl).port)),
    ssh: await startProxy(lab.ssh.port),
  }
  const world = openWorld(plan, directory, lab, s3, lines)
  const oracle = new Oracle(join(directory, 'oracle'), () => lab.control.archives())
  const ends: RunEnd[] = []
  const seen: Record<string, string>[] = []
  const collect = async () => {
    for (let next = world.begun[world.collected]; next !== undefined; next = world.begun[world.collected]) {
      world.collected += 1
      ends.push(await next.end)
      seen.push((await lookAtBucket(join(directory, 's3'), bucket)).sums)
    }
  }
  try {
    world.start()
    await collect()
    world.diary.push(`${s3.requests}: the runs had ended`)
    // Nothing more goes wrong; what has begun comes to its end.
    acts.length = 0
    await Promise.all(deeds)
    await collect()
    await quiet(world)
    world.start(true)
    await collect()
    oracle.look()
    const look = await lookAtBucket(join(directory, 's3'), bucket)
    const record: RoundRecord = {
      seed: plan.seed,
      asked: plan.guests.map(String),
      deleteSource: plan.deleteSource,
      runs: ends,
      seen,
      archives: look.archives,
      dumps: await oracle.close(),
      said: [...look.said, ...ends.map(({ report }) => JSON.stringify(report ?? ''))],
      left: {
        ...look.left,
        tasks: lab.control
          .tasks()
          .filter(({ running }) => running)
          .map(({ upid }) => upid),
        locks: lab.guests.flatMap(({ vmid, lock }) => (lock === undefined ? [] : [`${vmid} ${lock}`])),
        dumps: lab.control.archives().map(({ file }) => file),
        halves: halvesOf(lab),
      },
      parts: readFileSync(partsFile, 'utf8')
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as RoundRecord['parts'][number])
        .filter(({ key }) => !isOfStoreTest(key)),
      excusedParts: world.excusedParts,
    }
    const kept = keep(record)
    if (kept) {
      writeFileSync(join(directory, 'record.json'), JSON.stringify(record, undefined, 2))
      appendFileSync(join(directory, 'diary.txt'), `${world.diary.join('\n')}\n`)
    } else await rm(directory, { recursive: true, force: true })
    return { record, diary: world.diary, directory }
  } finally {
    for (const left of world.begun) left.signal('group', 'SIGKILL', 0)
    await Promise.all([s3.kill(), lab.close(), ...Object.values(lines).map((line) => line.close())])
  }
}

function openWorld(plan: RoundPlan, directory: string, lab: Lab, s3: S3Child, lines: World['lines']): World {
  const [clockFile, siteFile, jobFile] = ['clock', 'hq.json', 'job.json'].map((name) => join(directory, name))
  if (clockFile === undefined || siteFile === undefined || jobFile === undefined) throw new Error('three files')
  const site = lab.site()
  const route = { ...(site['route'] as object), port: lines.ssh.port }
  const backup = { storage: 'local', compress: plan.compress }
  writeFileSync(siteFile, JSON.stringify({ ...site, endpoints: [`https://127.0.0.1:${lines.api.port}`], route }))
  writeFileSync(
    jobFile,
    JSON.stringify({ site: 'hq', guests: { vmids: plan.guests }, backup, deleteSource: plan.deleteSource }),
  )
  writeFileSync(clockFile, '0')
  const environment = {
    ...process.env,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_CHAOS_CLOCK: clockFile,
  }
  const s3Url = `http://127.0.0.1:${lines.s3.port}`
  const world: World = {
    plan,
    lab,
    s3,
    lines,
    clockFile,
    mood: {},
    begun: [],
    collected: 0,
    chance: new Random(plan.seed ^ 0x5eed),
    diary: [],
    excusedParts: 0,
    start: (isQuiet = false) => {
      const parameters = ['--site-file', siteFile, '--bucket', bucket, '--s3', s3Url, jobFile]
      const begun = runCommandLine(parameters, environment, isQuiet)
      world.begun.push(begun)
      return begun
    },
  }
  return world
}

async function perform(act: Act, world: World): Promise<void> {
  const { lab, s3, lines, chance, begun } = world
  const setMood = (change: S3Mood) => {
    world.mood = { ...world.mood, ...change }
    s3.setMood(world.mood)
  }
  const forAWhile = async (seconds: number, begin: () => void, end: () => void) => {
    begin()
    await delay(seconds * 1000)
    end()
  }
  world.diary.push(actWords(act))
  switch (act.kind) {
    case 'signal': {
      const first = begun.find((one) => one.running())
      if (first?.signal(act.victim, act.signal, chance.next()) === true) world.excusedParts += IN_FLIGHT
      else world.diary.push('that signal met nobody')
      return
    }
    case 's3-refuses':
      return forAWhile(
        act.seconds,
        () => setMood({ refuse: act.code }),
        () => setMood({ refuse: undefined }),
      )
    case 's3-killed':
      world.excusedParts += IN_FLIGHT
      await s3.kill()
      await delay(act.seconds * 1000)
      await s3.start()
      return s3.setMood(world.mood)
    case 's3-throttles':
      return forAWhile(
        act.seconds,
        () => setMood({ throttle: true }),
        () => setMood({ throttle: false }),
      )
    case 's3-loses-answers':
      world.excusedParts += act.count
      s3.setMood({ ...world.mood, loseAnswers: act.count })
      return
    case 's3-refuses-runner':
      return forAWhile(
        act.seconds,
        () => setMood({ refuseRunner: true }),
        () => setMood({ refuseRunner: false }),
      )
    case 'cut':
      world.excusedParts += act.line === 's3' ? IN_FLIGHT : 0
      return lines[act.line].cut()
    case 'pause':
      world.excusedParts += act.line === 's3' ? IN_FLIGHT : 0
      return forAWhile(
        act.seconds,
        () => lines[act.line].pause(),
        () => lines[act.line].resume(),
      )
    case 'slow':
      return forAWhile(
        act.seconds,
        () => lines[act.line].setDelay(act.milliseconds),
        () => lines[act.line].setDelay(0),
      )
    case 'clock-step':
      return writeFileSync(world.clockFile, String(act.seconds * 1000))
    case 's3-clock':
      return setMood({ clockSeconds: act.seconds })
    case 'site-clock':
      return lab.control.setClockOffset(act.seconds)
    case 'node-reboot':
      return forAWhile(
        act.seconds,
        () => {
          lab.control.setNodeOnline('pve1', false)
          killTasks(lab)
        },
        () => lab.control.setNodeOnline('pve1', true),
      )
    case 'job-killed':
      return killTasks(lab)
    case 'foreign-lock':
      return lab.control.lockGuest(act.guest, 'backup')
    case 'guest-recreated':
      lab.control.recreateGuest(act.guest)
      return
    case 'second-run':
      world.start()
      return
  }
}

function killTasks(lab: Lab): void {
  for (const { upid, running } of lab.control.tasks()) if (running) lab.control.killTask(upid)
}

/** As after a good night: everything answers, clocks are right, and a person took off the locks that stood. */
async function quiet({ lab, s3, lines, clockFile }: World): Promise<void> {
  writeFileSync(clockFile, '0')
  s3.setMood({})
  lab.control.setClockOffset(0)
  lab.control.setNodeOnline('pve1', true)
  for (const line of Object.values(lines)) {
    line.resume()
    line.setDelay(0)
  }
  const works = new Set(
    lab.control
      .tasks()
      .filter(({ running }) => running)
      .map(({ id }) => id),
  )
  for (const { vmid, lock } of lab.guests) {
    if (lock !== undefined && !works.has(String(vmid))) lab.control.lockGuest(vmid)
  }
  // A clock that was looked at is looked at again.
  await delay(300)
}

/** What an unfinished dump leaves beside the finished ones. */
function halvesOf(lab: Lab): string[] {
  return lab.storages.flatMap(({ directory }) => {
    const folder = join(directory, 'dump')
    return existsSync(folder) ? readdirSync(folder).filter((name) => /\.(dat|tmp)$/.test(name)) : []
  })
}

/** What every demo stands on: a folder, an embedded S3 that judges rights, and the command line as a person runs it. */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { launcher, stateFolder } from '#place'
import { CreateBucketCommand, type S3Client } from '@aws-sdk/client-s3'
import { createS3Client } from '../../functions/aws/s3-client.ts'
import { type RunReport, runReportSchema } from '../../functions/contracts/report.ts'
import { verificationReportSchema } from '../../functions/contracts/verification-report.ts'
import { judgementText } from '../iam/guard.ts'
import { startS3 } from '../s3/server.ts'

export const bucket = 'archives'

export const say = (line = ''): void => void process.stdout.write(`${line}\n`)

/** A path as a person here would write it. */
export function shown(path: string): string {
  const way = relative(process.cwd(), path)
  return way.startsWith('..') ? path : way
}

export interface Stage {
  folder: string
  s3: S3Client
  s3Url: string
  /** Run the command line; its progress shows through. Returns the last line that it printed: a report. */
  guestlift(command: readonly string[]): Promise<string>
}

/** The demo's platform: what it plays on the stage. A demo that proves nothing sets the exit code. */
export type Act = (stage: Stage) => Promise<void>

/** @param name of the folder that everything lies in */
export async function playOn(name: string, opening: string, act: Act): Promise<void> {
  const folder = join(stateFolder, name)
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  say(opening)
  const credentials = {
    accessKeyId: `DEMO${randomBytes(8).toString('hex')}`,
    secretAccessKey: randomBytes(20).toString('hex'),
  }
  let asked = 0
  const refused: string[] = []
  const server = await startS3({
    directory: join(folder, 's3'),
    ...credentials,
    onJudgement: (judgement) => {
      asked += 1
      if (!judgement.allowed) refused.push(judgementText(judgement))
    },
  })
  const s3 = createS3Client({ endpoint: server.url, region: 'us-east-1', credentials })
  // A signal to all reaches the child too; it cleans up against lab and S3, and then the demo ends with what it says.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined)
  try {
    await s3.send(new CreateBucketCommand({ Bucket: bucket }))
    await act({ folder, s3, s3Url: server.url, guestlift: (command) => guestlift(command, credentials) })
    showRights(asked, refused)
    if (process.exitCode === undefined) farewell(folder)
  } catch (error) {
    say(`The demo failed: ${error instanceof Error ? error.message : String(error)}`)
    process.exitCode = 1
  } finally {
    s3.destroy()
    await server.close()
  }
}

async function guestlift(
  command: readonly string[],
  { accessKeyId, secretAccessKey }: { accessKeyId: string; secretAccessKey: string },
): Promise<string> {
  const child = spawn(process.execPath, [launcher, ...command], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey },
  })
  const chunks: Buffer[] = []
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) chunks.push(chunk)
  const [report] = Buffer.concat(chunks).toString().trimEnd().split('\n').slice(-1)
  if (report === undefined || report === '') throw new Error('The command line ended without a report; see above.')
  return report
}

/** An archived site: the run's report, and how commands name site and store. */
interface Archived {
  report: RunReport
  place: readonly string[]
}

/** Write the files as a person would have them, and run the job. @throws Error where there is nothing to prove */
export async function archive(stage: Stage, { site, job }: { site: object; job: object }): Promise<Archived> {
  const { folder, s3Url } = stage
  const [siteFile, jobFile] = [join(folder, 'site.json'), join(folder, 'job.json')]
  await writeFile(siteFile, JSON.stringify(site, null, 2), { mode: 0o600 })
  await writeFile(jobFile, JSON.stringify(job, null, 2))
  say(`Site and job are in ${shown(siteFile)} and ${shown(jobFile)}.\n`)
  const place = ['--site-file', shown(siteFile), '--bucket', bucket, '--s3', s3Url, '--json']
  const command = ['run', '--local', ...place, shown(jobFile)]
  say(`$ npx guestlift ${command.join(' ')}`)
  const report = runReportSchema.parse(JSON.parse(await stage.guestlift(command)))
  say(`\n${report.summary}`)
  if (report.outcome === 'succeeded') return { report, place }
  for (const { id, reason } of report.guests) say(`  ${id}: ${reason}`)
  throw new Error('there is nothing to prove, for the run did not succeed.')
}

/** What the workflow Verify archives does every day. The page was there before: it tells of this from the next run on. */
export async function readBack(stage: Stage): Promise<void> {
  const command = ['verify', '--due', '--local', '--bucket', bucket, '--s3', stage.s3Url, '--json']
  say(`\nWould a restore take them? Read back from the first byte to the last:\n$ npx guestlift ${command.join(' ')}`)
  const { outcome, summary } = verificationReportSchema.parse(JSON.parse(await stage.guestlift(command)))
  say(`\n${summary}`)
  if (outcome !== 'succeeded') process.exitCode = 1
}

/** The functions worked with the rights that a deployment gives them, and with no more. */
function showRights(asked: number, refused: readonly string[]): void {
  say(`\nS3 asked ${asked} times whether a function's role on AWS allows what it did; refused: ${refused.length}.`)
  for (const text of new Set(refused)) say(`  ${text}`)
  if (asked === 0 || refused.length > 0) process.exitCode = 1
}

function farewell(folder: string): void {
  const objects = shown(join(folder, 's3', bucket))
  say(`\nEverything is there to look at: objects are plain files under ${objects}.`)
  say(`The catalogue as a page that the run wrote, for any browser: ${join(objects, 'catalogue/demo/index.html')}`)
  say('Next, with a real site: this asks what is needed, writes the files, and ends with a check.')
  say('  npx guestlift init')
  say('When a run from here works, deploy it to AWS: "Deploy to AWS" in the README.')
}

/** The command line of a drill: what it asks for, and what it refuses before anything starts. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { drillRequestFrom } from '../../../../local/cli/archives/drill-options.ts'
import { guestlift } from '../command-line.ts'

let directory: string
const policy = () => join(directory, 'drill.json')
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'guestlift-drill-'))
  const written = { site: 'hq', guests: { all: true }, everyDays: 7, most: 2, ids: '9900-9949', pool: 'drills' }
  await writeFile(policy(), JSON.stringify(written))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

const refuse = (complaint: string): never => {
  throw new Error(complaint)
}

describe('guestlift drill', () => {
  it('takes a policy as it is, and options in the place of its fields', async () => {
    const request = await drillRequestFrom([], { policy: policy(), pool: 'other', run: ['database'] }, refuse)
    expect(request).toMatchObject({ everyDays: 7, most: 2, pool: 'other', probes: { commands: ['database'] } })
  })

  it('rehearses guests that are named now, all of them', async () => {
    const request = await drillRequestFrom(['100', '101', '102'], { policy: policy() }, refuse)
    expect(request).toMatchObject({ guests: { ids: ['100', '101', '102'] }, everyDays: 0, most: 3, ids: '9900-9949' })
  })

  it.each([
    [[], /say which guests/],
    [['100', '--site', 'hq', '--deployment', 'prod'], /which ids are kept free for rehearsals/],
    [['100', '--site', 'hq', '--ids', '9949-9900', '--deployment', 'prod'], /a range of ids reads 9900-9949/],
    [['100', '--local', '--ids', '9900-9949'], /drill --local needs --site-file/],
    [['100', '--ids', '9900-9949', '--site', 'hq', '--bucket', 'archives'], /go with --local/],
  ])('refuses %j with a sentence, and starts nothing', async (words, complaint) => {
    const { code, out, error } = await guestlift(['drill', ...words], {
      cwd: directory,
      env: { PATH: process.env['PATH'], NO_COLOR: '1', AWS_REGION: 'us-east-1' },
    })
    expect({ code, out }).toEqual({ code: 64, out: '' })
    expect(error).toMatch(complaint)
  })
})

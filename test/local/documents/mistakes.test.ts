/**
 * Mistakes that people make in files: each message has a place (file, line, column), a cause and a fix. A row is a mistake:
 * the file, what is in it, and the line of the message.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runInThisContext } from 'node:vm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseDeployment } from '../../../lib/deployment-config.ts'
import { literalPlaces } from '../../../lib/literal-places.ts'
import { readJobFile, requestIn } from '../../../local/cli/run/job-file.ts'
import { readSiteFile } from '../../../local/run/site-file.ts'

let folder: string
const before = process.cwd()
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guestlift-mistakes-'))
  process.chdir(folder)
})
afterAll(async () => {
  process.chdir(before)
  await rm(folder, { recursive: true })
})

const SECRET = 'very-secret'

/** A whole site, with lines in the place of some of its own. */
function site(changes: Readonly<Record<string, string>> = {}): string {
  const fields = {
    provider: '"proxmox"',
    endpoints: '["https://pve1:8006"]',
    tls: '{ "mode": "system" }',
    auth: `{ "tokenId": "backup@pve!guestlift", "secret": "${SECRET}" }`,
    route: `{ "type": "sftp", "host": "pve1", "username": "reader", "hostKeys": ["SHA256:${'A'.repeat(43)}"], "password": "${SECRET}" }`,
    ...changes,
  }
  const lines = Object.entries(fields).map(([name, value]) => `  "${name}": ${value}`)
  return `{\n${lines.join(',\n')}\n}\n`
}

const yamlJob = 'site: hq\nguests:\n  vmids: [100]\n'

const jobs: [string, string, string, string][] = [
  [
    'a comma that is missing',
    'job.json',
    '{\n  "site": "hq"\n  "guests": { "all": true }\n}',
    '3:3: a comma is missing before this. Put a comma behind the entry above.',
  ],
  [
    'a bracket that is never closed',
    'job.json',
    '{ "site": "hq",\n  "guests": { "vmids": [100 }',
    '2:29: a [ is not closed before this }. Add the missing ].',
  ],
  ['single quotes', 'job.json', "{ 'site': 'hq' }", '1:3: these are other quotes than JSON has. Write "text".'],
  ['a word without quotes', 'job.json', '{ "site": hq }', '1:11: a word has no quotes. Write "text" in double quotes.'],
  [
    'True for true',
    'job.json',
    '{ "site": "hq",\n "guests": { "all": True } }',
    '2:21: this word is spelt otherwise in JSON. Write true, false or null.',
  ],
  [
    'a field that is written twice',
    'job.json',
    '{ "site": "hq",\n  "site": "dr" }',
    '2:3: the field is written twice. Remove one of both.',
  ],
  ['an empty file', 'job.json', '', '1:1: the file is empty.'],
  [
    'a misspelt field',
    'job.json',
    '{ "site": "hq", "guests": { "all": true },\n  "backup": { "mod": "stop" } }',
    '2:15: backup: "mod" is not known here. Did you mean "mode"?',
  ],
  [
    'a field that is missing',
    'job.json',
    '{\n  "guests": { "all": true }\n}',
    '1:1: site: it is missing. Add it; docs/jobs.md shows how.',
  ],
  [
    'a number in quotes',
    'job.json',
    '{ "site": "hq",\n  "guests": { "vmids": ["100"] } }',
    '2:25: guests.vmids[0]: a number is expected, and text is there. Write a number, without quotes.',
  ],
  [
    'one thing in the place of a list',
    'job.json',
    '{ "site": "hq",\n  "guests": { "vmids": 100 } }',
    '2:24: guests.vmids: a list is expected, and a number is there. Write a list: [ ] in JSON, lines with - in YAML.',
  ],
  [
    'a misspelt choice',
    'job.json',
    '{ "site": "hq", "guests": { "all": true },\n  "backup": { "mode": "snapshoot" } }',
    '2:23: backup.mode: it is none of snapshot, suspend, stop. Did you mean snapshot?',
  ],
  [
    'a number that is too small',
    'job.json',
    '{ "site": "hq",\n  "guests": { "vmids": [99] } }',
    '2:25: guests.vmids[0]: the number is too small. Write at least 100.',
  ],
  ['no guests', 'job.json', '{ "site": "hq",\n  "guests": {} }', '2:13: guests: say which guests: all: true'],
  [
    'a name that no site has',
    'job.json',
    '{ "site": "h q",\n  "guests": { "all": true } }',
    '1:11: site: a site name has 1 to 63 letters, digits or inner hyphens. Correct it; docs/jobs.md shows how.',
  ],
  [
    'a tab in YAML',
    'job.yaml',
    'site: hq\nguests:\n\tall: true\n',
    '3:1: a tab indents this line. Indent with blanks.',
  ],
  [
    'a star in YAML',
    'job.yaml',
    'site: hq\nguests:\n  names: [*web]\n',
    '3:11: a * begins a reference in YAML, and nothing has that name. Put the text in quotes.',
  ],
  [
    'no blank behind a colon in YAML',
    'job.yml',
    'site:hq\nguests:\n  all: true\n',
    '1:1: a colon is missing behind a name. Write "name: value", with a blank.',
  ],
  [
    'a misspelt field in YAML',
    'job.yaml',
    `${yamlJob}bakcup:\n  mode: stop\n`,
    '4:1: "bakcup" is not known here. Did you mean "backup"?',
  ],
  [
    'a word in the place of a list in YAML',
    'job.yaml',
    'site: hq\nguests:\n  tags: prod\n',
    '3:9: guests.tags: a list is expected, and text is there.',
  ],
]

const sites: [string, string, string, string][] = [
  [
    'a secret without its quotes',
    'hq.json',
    site({ auth: `{ "tokenId": "backup@pve!guestlift", "secret": ${SECRET} }` }),
    '5:58: a word has no quotes.',
  ],
  [
    'a quote that is missing',
    'hq.json',
    site({ auth: `{ "tokenId": "backup@pve!guestlift", "secret": "${SECRET} }` }),
    '5:58: a text has no end on its line.',
  ],
  [
    'a path of Windows',
    'hq.json',
    site({ route: '{ "type": "sftp", "privateKeyFile": "C:\\keys" }' }),
    '6:48: this text has a backslash that JSON does not know',
  ],
  [
    'http',
    'hq.json',
    site({ endpoints: '["http://pve1:8006"]' }),
    '3:17: endpoints[0]: an endpoint starts with https:// (Proxmox VE speaks nothing else). Correct it',
  ],
  [
    'another platform',
    'hq.json',
    site({ provider: '"proxmx"' }),
    '2:15: provider: it is none of proxmox, ec2, vsphere, azure. Did you mean proxmox?',
  ],
  [
    'a token and a password',
    'hq.json',
    site({ auth: `{ "tokenId": "backup@pve!guestlift", "secret": "${SECRET}", "password": "${SECRET}" }` }),
    '5:11: auth: give either tokenId and secret, or username and password',
  ],
  [
    'another kind of route',
    'hq.json',
    site({ route: '{ "type": "ftp" }' }),
    '6:22: route.type: it is none of sftp, https, push.',
  ],
  [
    'a misspelt field',
    'hq.json',
    site({ endpoint: '[]' }),
    '7:3: "endpoint" is not known here. Did you mean "endpoints"?',
  ],
  [
    'a secret as a number',
    'hq.yaml',
    `provider: proxmox\nendpoints: [https://pve1:8006]\nauth:\n  tokenId: a@pve!b\n  secret: 12345678\n`,
    '5:11: auth.secret: text is expected, and a number is there. Write it in quotes.',
  ],
  [
    'a colon in a secret',
    'hq.yaml',
    `provider: proxmox\nauth:\n  secret: ${SECRET}: x\n`,
    '3:11: a second colon is on this line. Put the text in quotes.',
  ],
]

const deployment = (fields: string) =>
  `export const deployment: DeploymentConfig = {\n  name: 'test', // a comment: {\n  sites: ['hq'],\n${fields}\n}\n`
const job = `{ site: 'hq', guests: { all: true } }`
const deployments: [string, string, string][] = [
  ['a misspelt field', deployment('  bukcet: {},'), '4:3: "bukcet" is not known here. Did you mean "bucket"?'],
  [
    'days that CloudWatch does not have',
    deployment('  logRetentionDays: 91,'),
    '4:21: logRetentionDays: it is none of',
  ],
  [
    'a site that is not configured',
    deployment(`  defaultSite: 'dr',`),
    '4:16: defaultSite: no site dr; configured are hq.',
  ],
  [
    'a schedule of a site that is not configured',
    deployment(`  schedules: [{ name: 'a', expression: 'rate(1 day)', job: ${job.replace('hq', 'dr')} }],`),
    '4:68: schedules[0].job.site: no site dr',
  ],
  [
    'a name that is listed twice',
    deployment('').replace("['hq']", "['hq', 'hq']"),
    '3:17: sites[1]: hq is listed twice',
  ],
]

describe('a mistake in a job file', () => {
  it.each(jobs)('%s: has place, cause and fix', async (_, name, text, says) => {
    await writeFile(name, text)
    const error = await readJobFile(name)
      .then((document) => requestIn(document, undefined))
      .catch((problem: unknown) => problem)
    expect(String(error)).toContain(`\n  ${name}:${says}`)
  })

  it('is one of several, and all of them are told', async () => {
    await writeFile('job.json', '{ "site": 5,\n  "guest": {},\n "guests": { "all": true } }')
    const error = await readJobFile('job.json')
      .then((document) => requestIn(document, undefined))
      .catch((problem: unknown) => problem)
    expect(String(error)).toMatch(/is malformed:\n {2}job\.json:1:11: site: .*\n {2}job\.json:2:3: "guest" /)
  })
})

describe('a mistake in a site file', () => {
  it.each(sites)('%s: has place, cause and fix, and no secret', async (_, name, text, says) => {
    await writeFile(name, text)
    const error = await readSiteFile(name).catch((problem: unknown) => problem)
    expect(String(error)).toContain(`\n  ${name}:${says}`)
    expect(String(error)).not.toContain(SECRET)
  })
})

describe('a mistake in a deployment', () => {
  it.each(deployments)('%s: has place, cause and fix', (_, text, says) => {
    const literal = /= (\{[^]*\})\n/.exec(text)?.[1] ?? ''
    // What the file exports, as importing it would show.
    const config: unknown = runInThisContext(`(${literal})`)
    const written = { text, root: literalPlaces(text, 'deployment') }
    expect(() => parseDeployment(config, 'lib/deployments/test.ts', written)).toThrow(
      `\n  lib/deployments/test.ts:${says}`,
    )
  })
})

describe('files that are right', () => {
  const written = { site: 'hq', guests: { vmids: [100] } }
  const utf16 = (text: string) => Buffer.from(`\uFEFF${text}`, 'utf16le')
  it.each([
    ['JSON', 'job.json', '{"site":"hq","guests":{"vmids":[100]}}'],
    [
      'JSON with comments and a comma too many',
      'job.jsonc',
      '// nightly\n{ "site": "hq", /* all */ "guests": { "vmids": [100,], }, }',
    ],
    ['YAML', 'job.yaml', `# nightly\n${yamlJob}`],
    ['YAML with an anchor', 'job.yml', 'site: &a hq\nguests: { vmids: [100] }\n'],
    ['YAML without an ending in its name', 'job', yamlJob],
    ['JSON without an ending in its name', 'job', '\n {"site":"hq","guests":{"vmids":[100]}}'],
    ['a byte order mark', 'job.json', '\uFEFF{"site":"hq","guests":{"vmids":[100]}}'],
    ['UTF-16, as Windows PowerShell writes it', 'job.json', utf16('{"site":"hq","guests":{"vmids":[100]}}')],
    ['YAML in UTF-16', 'job.yaml', utf16(yamlJob)],
    ['a JSON Schema for editors', 'job.yaml', `$schema: ./job.schema.json\n${yamlJob}`],
  ])('may be %s', async (_, name, text) => {
    await writeFile(name, text)
    const { job: read } = requestIn(await readJobFile(name), undefined)
    expect(read).toMatchObject(written)
  })
})

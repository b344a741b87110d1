/** `npm run iam`: plays what a deployment does with the rights that its roles have, and says what they lack and what nothing uses. */
import { parseArgs } from 'node:util'
import { openBench, play } from './play.ts'
import { findRights, readReasons } from './rights.ts'

const usage = `npm run iam -- [--json] [--only <words>]

Plays runs, clean-up, pruning, verification, coverage and the sweep on this machine, each function as the role that a
deployment gives it. Ends with 1 when a right is missing, or one is there that nothing used and no reason explains.
  --only   only what holds these words
  --json   {"calls":n,"refused":[…],"unused":[{"role","action","resource","reason"}],"played":[…],"stale":[…]}`

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  console.log(usage)
  process.exit(0)
}

const say = (line: string): void => {
  if (!values.json) console.log(line)
}
const site = await openBench()
try {
  const played = await play(site, ({ name, trouble = 'done' }) => say(`${name}: ${trouble}`), values.only)
  const findings = findRights(site.roles, site.judgements, readReasons())
  const { calls, refused, unused, stale } = findings
  const unexplained = unused.filter(({ reason }) => reason === undefined)
  if (values.json) console.log(JSON.stringify({ calls, refused, unused, played, stale }))
  say(`\n${calls} requests were judged by the roles of the synthesised app; refused: ${refused.length}.`)
  for (const text of refused) say(`  ${text}`)
  say(`Rights that nothing used: ${unused.length}, of which unexplained: ${unexplained.length}.`)
  for (const { role, action, resource, reason = '?' } of unused) say(`  ${role} ${action} ${resource}: ${reason}`)
  for (const { role, action, resource } of stale)
    say(`A reason that no right has any more: ${role} ${action} ${resource}`)
  const complete = values.only === ''
  const failed = refused.length > 0 || played.some(({ trouble }) => trouble !== undefined)
  process.exitCode = failed || (complete && unexplained.length + stale.length > 0) ? 1 : 0
} finally {
  await site.close()
}

#!/usr/bin/env node
// Starts Guestlift on any Node.js that npm installs it with; this file must stay plain JavaScript that an old one
// understands. In a checkout it runs the sources on the Node.js that the project brings along (package `node`); installed,
// it runs what was built of them.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import module from 'node:module'
import { constants } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cacheFolder, stateFolder } from './own-folders.js'
import { ownNode } from './own-node.js'

const beside = (path) => fileURLToPath(new URL(path, import.meta.url))
const isCheckout = existsSync(beside('guestlift.ts'))
const entry = beside(isCheckout ? 'guestlift.ts' : '../dist/cli/guestlift.js')
// As `local/run/assembly.ts` and `local/run/packed-place.ts` name it. Compiling takes half of what a short command costs.
const compileCache = isCheckout ? beside('../.guestlift/compile-cache') : join(cacheFolder(), 'compile-cache')

const [major, minor] = process.versions.node.split('.').map(Number)
// The first whose agents know proxies. Sources need 24: in 22, Node.js warns of their types.
const isNewEnough = major > 24 || (major === 24 && minor >= 5) || (!isCheckout && major === 22 && minor >= 21)
// What reads archives whole gets the memory settings of the function that does: `lib/node-options.ts` says why.
const flags = process.argv[2] === 'verify' ? ['--max-semi-space-size=1'] : []

if (isNewEnough && flags.length === 0) {
  module.enableCompileCache(compileCache)
  await import(entry)
} else {
  const node = isNewEnough ? process.execPath : olderNeeds()
  const env = { ...process.env, NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? compileCache }
  const child = spawn(node, [...flags, entry, ...process.argv.slice(2)], { stdio: 'inherit', env })
  // The child decides when to end, and this process with it: whoever waits for this one must not go on before. Signals to
  // the whole group reach the child too, those to this process alone do not, so they are handed on: as SIGTERM, which
  // asks for a clean end however often it comes (`local/cli/stop-signals.ts`).
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill('SIGTERM'))
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]))
}

/** The Node.js to run on, where this one is too old. */
function olderNeeds() {
  if (isCheckout) {
    const own = beside('../node_modules/node/bin/node')
    if (existsSync(own)) return own
    return fail(
      `guestlift needs Node.js 24 and found ${process.version}. Run "npm ci" in its folder: it brings its own.`,
    )
  }
  try {
    return ownNode(stateFolder())
  } catch (error) {
    return fail(error.message)
  }
}

function fail(reason) {
  console.error(reason)
  process.exit(1)
}

#!/usr/bin/env node
// Guestlift runs on the Node.js that it brings along (package `node`); this launcher runs on any. It must stay plain
// JavaScript that an old Node.js understands.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import module from 'node:module'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'

const [major, minor] = process.versions.node.split('.').map(Number)
// 24.5 is the first whose agents know proxies.
const isNewEnough = major > 24 || (major === 24 && minor >= 5)
// What reads archives whole gets the memory settings of the function that does: `lib/node-options.ts` says why.
const flags = process.argv[2] === 'verify' ? ['--max-semi-space-size=1'] : []
// As `local/run/assembly.ts` names it. Compiling its sources takes half of what a short command costs.
const compileCache = fileURLToPath(new URL('../.guestlift/compile-cache', import.meta.url))
if (isNewEnough && flags.length === 0) {
  module.enableCompileCache(compileCache)
  await import('./guestlift.ts')
} else {
  const own = isNewEnough ? process.execPath : fileURLToPath(new URL('../node_modules/node/bin/node', import.meta.url))
  if (!existsSync(own)) {
    console.error(
      `guestlift needs Node.js 24 and found ${process.version}. Run "npm ci" in its folder: it brings its own.`,
    )
    process.exit(1)
  }
  const entry = fileURLToPath(new URL('guestlift.ts', import.meta.url))
  const env = { ...process.env, NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? compileCache }
  const child = spawn(own, [...flags, entry, ...process.argv.slice(2)], { stdio: 'inherit', env })
  // The child decides when to end, and this process with it: whoever waits for this one must not go on before. Signals to
  // the whole group reach the child too, those to this process alone do not, so they are handed on: as SIGTERM, which
  // asks for a clean end however often it comes (`local/cli/stop-signals.ts`).
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill('SIGTERM'))
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]))
}

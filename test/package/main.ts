/**
 * `npm run package`: packs the product, installs it elsewhere as a user would, and tries what needs no real site: that it
 * starts on each major of Node.js, its demo, and a CDK app of somebody else that uses its constructs.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { synthesiseExample } from './example.ts'
import { install, nodeOfMajor } from './install.ts'
import { packProduct } from './pack.ts'
import { runAsUser } from './run.ts'

const started = performance.now()
const say = (line: string) => {
  process.stdout.write(`${line} (${Math.round((performance.now() - started) / 1000)}s)\n`)
}

const folder = await mkdtemp(join(tmpdir(), 'guestlift-package-'))
try {
  const { tarball, version, sizeBytes, files } = await packProduct(folder)
  say(`packed ${files} files in ${(sizeBytes / 1e6).toFixed(1)} MB`)
  const own = await install(folder, 'somewhere', [tarball])
  say('installed into an empty folder')

  /** @param home of its own, so that nothing is there from before */
  const guestlift = async (major: string, words: string[], home = `home-${major}`): Promise<string> => {
    const node = await nodeOfMajor(folder, major)
    return runAsUser(join(own, 'node_modules', '.bin', 'guestlift'), words, {
      node,
      cwd: own,
      home: join(folder, home),
    })
  }
  for (const major of ['20', '22', '24']) {
    assert.equal(await guestlift(major, ['--version']), `${version}\n`)
    assert.match(await guestlift(major, ['platforms']), /^Proxmox VE/)
    say(`starts on Node.js ${major}`)
  }
  // The older of those that run it themselves: the checkout's demo runs on 24.
  const [demo, functions] = await Promise.all([
    guestlift('22', ['demo'], 'home-of-the-demo'),
    synthesiseExample(folder, tarball),
  ])
  assert.match(demo, /2 archives accepted/)
  assert.match(demo, /no key of its configuration differs/)
  assert.match(demo, /refused: 0\./)
  say('plays its demo on Node.js 22')
  say(`an app of somebody else synthesises ${functions} functions of it`)
  // From an empty folder to the first archives: init, doctor, plan and run, typed into a terminal.
  execFileSync('npx', ['vitest', 'run', '--reporter', 'dot', 'test/e2e/first-steps.test.ts'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      GUESTLIFT_LAUNCHER: join(own, 'node_modules', 'guestlift', 'bin', 'guestlift.js'),
      GUESTLIFT_HOME: join(folder, 'home-of-the-first-steps'),
    },
  })
  say('leads from an empty folder to the first archives with fewer than ten typed answers')
  await rm(folder, { recursive: true, force: true })
} catch (error) {
  say(`failed; see ${folder}`)
  throw error
}

/** `npm run man`: write the manual pages into a folder, `man` unless another is named. */
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import packageJson from '../../package.json' with { type: 'json' }
import { guestliftProgram } from '../cli/program.ts'
import { listenForStop } from '../cli/stop-signals.ts'
import { manPages } from './man-pages.ts'

const folder = process.argv[2] ?? fileURLToPath(new URL('../../man', import.meta.url))
const stop = listenForStop()
const date = new Date().toISOString().slice(0, 10)
const pages = manPages(guestliftProgram(stop), { version: packageJson.version, date })
stop.release()
await rm(folder, { recursive: true, force: true })
await mkdir(folder, { recursive: true })
for (const { fileName, text } of pages) await writeFile(join(folder, fileName), text)
process.stdout.write(`Wrote ${pages.length} manual pages to ${folder}\n`)

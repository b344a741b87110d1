/** A lab with its site file, and the command line against it: as a process of its own where it is interrupted. */
import { evidenceOf } from '../../functions/providers/gathered.ts'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { proxmoxSiteSchema } from '../../../functions/providers/proxmox/config.ts'
import { openProxmox } from '../../../functions/providers/proxmox/provider.ts'
import type { ProxmoxProvider } from '../../../functions/providers/proxmox/provider.ts'
import { BACKUP_PRIVILEGES, BACKUP_ROLE } from '../../../local/labs/proxmox/default-site.ts'
import { type Lab, type LabOptions, startLab } from '../../../local/labs/proxmox/lab.ts'
import { guestlift as runHere } from './command-line.ts'

const entry = fileURLToPath(new URL('../../../bin/guestlift.ts', import.meta.url))

export interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

export interface SiteBench {
  lab: Lab
  provider: ProxmoxProvider
  /** `--site-file` is added. */
  guestlift: (...words: string[]) => Promise<Ended>
  /** With `--json`: the one line of standard output, parsed. */
  json: (...words: string[]) => Promise<{ code: number | null; result: Record<string, unknown>; stderr: string }>
  /** Start it and press Ctrl-C once `when` has come true. */
  interrupted: (when: () => boolean, ...words: string[]) => Promise<Ended>
  /** Back a guest up to its end; the archive's address. */
  backUp: (id: string, notes?: string) => Promise<string>
  close(): Promise<void>
}

export async function openSiteBench(options: Partial<LabOptions> = {}): Promise<SiteBench> {
  const directory = mkdtempSync(join(tmpdir(), 'guestlift-cli-'))
  const lab = await startLab({
    directory: join(directory, 'lab'),
    guestBytes: 256 * 1024,
    secondsPerDump: 0,
    unauthorizedDelaySeconds: 0,
    roles: { [BACKUP_ROLE]: [...BACKUP_PRIVILEGES, 'VM.PowerMgmt'] },
    ...options,
  })
  const siteFile = join(directory, 'hq.json')
  writeFileSync(siteFile, JSON.stringify(lab.site()))
  const provider = openProxmox('hq', proxmoxSiteSchema.parse(lab.site()), {
    now: () => new Date(),
    sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds / 10)),
    log: () => undefined,
  })

  async function run(words: string[]): Promise<Ended> {
    const { code, out, error } = await runHere([...words, '--site-file', siteFile])
    return { code, stdout: out, stderr: error }
  }

  async function runInterrupted(words: string[], interruptWhen: () => boolean): Promise<Ended> {
    const child = spawn(process.execPath, [entry, ...words, '--site-file', siteFile], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const ended: Ended = { code: null, stdout: '', stderr: '' }
    child.stdout.on('data', (chunk: Buffer) => (ended.stdout += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (ended.stderr += chunk.toString()))
    const watch = setInterval(() => {
      if (!interruptWhen()) return
      clearInterval(watch)
      child.kill('SIGINT')
    }, 20)
    const [code]: unknown[] = await once(child, 'close')
    clearInterval(watch)
    return { ...ended, code: typeof code === 'number' ? code : null }
  }

  return {
    lab,
    provider,
    guestlift: (...words) => run(words),
    interrupted: (when, ...words) => runInterrupted(words, when),
    async json(...words) {
      const { code, stdout, stderr } = await run([...words, '--json'])
      const lines = stdout.trimEnd().split('\n')
      if (lines.length !== 1) throw new Error(`--json printed ${lines.length} lines: ${stdout}${stderr}`)
      return { code, stderr, result: JSON.parse(lines[0] ?? '') as Record<string, unknown> }
    },
    async backUp(id, notes = '') {
      const [guest] = await provider.findGuests([id])
      if (guest === undefined) throw new Error(`no guest ${id}`)
      const options = { mode: 'snapshot', compress: 'zstd', storage: 'local', notes } as const
      const { jobRef } = await provider.start(guest, options)
      await lab.control.endOfTask(jobRef)
      const { listed } = await evidenceOf(provider, jobRef, guest, 'local')
      if (listed === undefined) throw new Error('the backup left nothing')
      return listed.artifactRef
    },
    async close() {
      await provider.close()
      await lab.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

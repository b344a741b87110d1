import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const main = fileURLToPath(new URL('../../../local/labs/main.ts', import.meta.url))
const run = (...words: string[]) => spawnSync(process.execPath, [main, ...words], { encoding: 'utf8' })

describe('npm run lab', () => {
  it('shows the options of the platform that was chosen', () => {
    expect(run('--help').stdout).toContain('--dump-seconds')
    expect(run('--platform=ec2', '--help').stdout).toContain('--written-mib')
    expect(run('--platform', 'vsphere', '--help').stdout).toContain('--api-version')
    expect(run('--platform', 'azure', '--help').stdout).toContain('--refused')
  })

  it('names the labs that there are when it is asked for another', () => {
    const { status, stderr } = run('--platform', 'vmware')
    expect(stderr).toBe('There is no lab of the platform "vmware". Choose one of: proxmox, ec2, vsphere, azure.\n')
    expect(status).toBe(1)
  })
})

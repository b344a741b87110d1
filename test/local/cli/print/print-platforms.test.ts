import { describe, expect, it } from 'vitest'
import { platformTraits } from '../../../../functions/providers/registry.ts'
import { platformLines } from '../../../../local/cli/print/print-platforms.ts'
import { islandTraits } from '../../../second-platform/island-provider.ts'

describe('the platforms', () => {
  it('are shown within 80 columns, each with its formats and what it makes', () => {
    const lines = platformLines({ ...platformTraits, island: islandTraits })
    expect(lines.filter((line) => line.length > 80)).toEqual([])
    expect(lines).toContain('Proxmox VE ("provider": "proxmox")')
    expect(lines).toContain('  queue:          one backup at a time on a node')
    expect(lines).toContain('  restore:        by one command, or by hand')
    expect(lines).toContain('  restore:        by hand')
    expect(lines).toContain('  makes:          a snapshot or export that is always removed')
  })
})

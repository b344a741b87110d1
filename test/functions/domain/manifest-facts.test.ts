import { describe, expect, it } from 'vitest'
import { tagsIn } from '../../../functions/domain/manifest-facts.ts'

describe('tags of a configuration', () => {
  it('are read from the text, as a manifest keeps it and as a verification does, without those of snapshots', () => {
    const text = 'cores: 2\ntags: prod;web\n\n[before-upgrade]\ntags: dev\n'
    expect(tagsIn({ name: 'qemu-server.conf', text })).toEqual(['prod', 'web'])
    expect(tagsIn(text)).toEqual(['prod', 'web'])
  })

  it('are none where there is no configuration, no such line, or only one of a snapshot', () => {
    for (const nothing of [undefined, null, 7, {}, '', 'cores: 2\n', 'cores: 2\n[old]\ntags: dev\n']) {
      expect(tagsIn(nothing)).toEqual([])
    }
  })
})

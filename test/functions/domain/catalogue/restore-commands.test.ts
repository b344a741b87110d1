import { describe, expect, it } from 'vitest'
import { restoreSteps } from '../../../../functions/domain/catalogue/restore-commands.ts'

describe('the last step of a restore by hand', () => {
  it.each([
    ['xvda.raw.zst', 'zstd -dc {file} > disk.img', /coldsnap/],
    ['os-web1_OsDisk.vhd.zst', 'zstd -dc {file} > disk.vhd', /qemu-img convert -f vpc/],
    ['lun0-fast.vhdx.zst', 'zstd -dc {file} > disk.vhdx', /qemu-img convert -f vhdx/],
    ['web-flat.vmdk', undefined, /^$/],
  ])('of %s makes what that file is', (fileName, run, say) => {
    const last = restoreSteps('vm', fileName)
      .filter(({ way }) => way === 'restore')
      .at(-1)
    expect(last?.run).toBe(run)
    expect(last?.say ?? '').toMatch(say)
  })
})

import { describe, expect, it } from 'vitest'
import { judgeBoot } from './boot-verdict.ts'

const kernel = '[    0.000000] Linux version 6.1.0\r\n[    2.599063] Freeing initrd memory: 1288K\r\n'
const ok = '[    3.264663] guestlift-boot: marker=m-1 ok\r\n'
const end = '[    3.284522] reboot: Power down\r\n'

describe('a boot', () => {
  it('counts when the guest found the marker and all was as it was written', () => {
    expect(judgeBoot(kernel + ok + end, 'm-1')).toEqual({ booted: true })
    expect(judgeBoot('guestlift-boot: marker=m-1 ok\n', 'm-1')).toEqual({ booted: true })
  })

  it.each([
    ['nothing was written', '', 'the guest wrote no line'],
    ['only the kernel wrote', kernel + end, 'the guest wrote no line'],
    ['the line was cut off', `${kernel}[    3.264663] guestlift-boot: marker=m-1 ok`, 'the guest wrote no line'],
    ['the line stands within another', `${kernel}echo ${ok}`, 'the guest wrote no line'],
    ['the kernel gave up', `${kernel}[    3.1] Kernel panic - not syncing: VFS\r\n`, 'Kernel panic - not syncing: VFS'],
    ['the disk is another one', kernel + ok.replace('m-1', 'm-2') + end, "the disk's marker is m-2, not m-1"],
    ['the disk has no marker', kernel + ok.replace('m-1', '') + end, "the disk's marker is , not m-1"],
    [
      'the marker only begins as it should',
      kernel + ok.replace('m-1', 'm-10') + end,
      "the disk's marker is m-10, not m-1",
    ],
    ['the data is damaged', '[ 1.0] guestlift-boot: damaged: the data\r\n', 'damaged: the data'],
    ['there is no disk', '[ 1.0] guestlift-boot: no disk\r\n', 'no disk'],
    ['words follow', '[ 1.0] guestlift-boot: marker=m-1 ok, almost\r\n', 'marker=m-1 ok, almost'],
    [
      'the guest said both',
      `${ok}[    3.3] guestlift-boot: damaged: the data\r\n`,
      'the guest wrote 2 lines: marker=m-1 ok; damaged: the data',
    ],
    [
      'the disk could not be read everywhere',
      `[    3.1] I/O error, dev vda, sector 8\r\n${ok}${end}`,
      'I/O error, dev vda, sector 8',
    ],
    [
      'the file system is not sound',
      `[    3.1] EXT4-fs error (device vda): ext4_lookup:1855\r\n${ok}${end}`,
      'EXT4-fs error (device vda): ext4_lookup:1855',
    ],
  ])('does not count where %s', (_what, serial, why) => {
    expect(judgeBoot(serial, 'm-1')).toEqual({ booted: false, why })
  })
})

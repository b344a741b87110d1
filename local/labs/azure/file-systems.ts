/** Real content of disks, where the machine has the tools: file systems, and VHDX for disks of 4,096-byte sectors. */
import { execFileSync } from 'node:child_process'
import { closeSync, ftruncateSync, openSync } from 'node:fs'
import { type DiskContent, fileContent } from './disks/content.ts'

/** Debian keeps the tools of file systems off the path of plain users. */
const withTools = (): NodeJS.ProcessEnv => ({ ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` })

const UUID = '01234567-89ab-4cde-8f01-23456789abcd'

/**
 * An ext4 file system in a new file, with the files of a directory. Two with the same content are the same to the byte.
 * @throws Error when mkfs.ext4 isn't there or fails
 */
export function ext4Content(path: string, sizeBytes: number, from?: string): DiskContent {
  const file = openSync(path, 'w')
  ftruncateSync(file, sizeBytes)
  closeSync(file)
  const id = ['-U', UUID, '-E', `hash_seed=${UUID}`]
  execFileSync('mkfs.ext4', ['-q', '-F', '-m', '0', ...id, ...(from === undefined ? [] : ['-d', from]), path], {
    env: { ...withTools(), E2FSPROGS_FAKE_TIME: '1700000000' },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  return fileContent(path)
}

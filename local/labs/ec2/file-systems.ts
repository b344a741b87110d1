/** Real file systems as the content of volumes, where the machine has mkfs. */
import { execFileSync } from 'node:child_process'
import { closeSync, ftruncateSync, openSync } from 'node:fs'
import { type DiskContent, fileContent } from './disk.ts'

/** Debian keeps the tools of file systems off the path of plain users. */
const withTools = (): NodeJS.ProcessEnv => ({ ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` })

/**
 * An ext4 file system in a new file, with the files of a directory. Two with the same content are the same to the byte.
 * @throws Error when mkfs.ext4 isn't there or fails
 */
export function ext4Content(path: string, sizeBytes: number, from?: string): DiskContent {
  const file = openSync(path, 'w')
  ftruncateSync(file, sizeBytes)
  closeSync(file)
  const id = ['-U', '01234567-89ab-4cde-8f01-23456789abcd', '-E', 'hash_seed=01234567-89ab-4cde-8f01-23456789abcd']
  execFileSync('mkfs.ext4', ['-q', '-F', '-m', '0', ...id, ...(from === undefined ? [] : ['-d', from]), path], {
    env: { ...withTools(), E2FSPROGS_FAKE_TIME: '1700000000' },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  return fileContent(path)
}

/** What e2fsck finds wrong in a file; '' for nothing. */
export function ext4Fault(path: string): string {
  try {
    execFileSync('e2fsck', ['-fn', path], { env: withTools(), stdio: ['ignore', 'pipe', 'pipe'] })
    return ''
  } catch (error) {
    return String((error as { stdout?: unknown }).stdout ?? error)
  }
}

import type { CatalogueEntry } from '../../../functions/domain/catalogue/catalogue.ts'
import { formatBytes } from '../../../functions/domain/words/byte-size.ts'

/** Classes from which S3 reads nothing back before it was asked to, and how long the cheapest common tier takes. */
const FROZEN: Readonly<Record<string, string>> = { GLACIER: '3 to 5 hours', DEEP_ARCHIVE: '12 hours' }

/** Where Proxmox's own tools look for archives of storage `local`. */
const DUMP_FOLDER = '/var/lib/vz/dump'

/**
 * The commands that bring an archive back, exactly, to be typed on a node; comments begin with `#`. Standard tools
 * alone: anyone who restores may not have Guestlift. `undefined` where the archive's files aren't known or aren't there.
 */
export function restoreCommands(entry: CatalogueEntry, bucket: string, s3Url?: string): string[] | undefined {
  const { facts, guest } = entry
  if (facts === undefined || entry.state !== 'complete') return undefined
  const endpoint = s3Url === undefined ? '' : ` --endpoint-url ${quoted(s3Url)}`
  return facts.artifacts.flatMap(({ fileName, sizeBytes, versionId }) => {
    // The folder that was listed, not the key of the manifest: a bucket's copy may have another prefix.
    const key = `${entry.folder}${fileName}`
    const file = `${DUMP_FOLDER}/${fileName}`
    const version = versionId === undefined ? '' : ` --version-id ${quoted(versionId)}`
    const wait = FROZEN[entry.storageClass ?? '']
    return [
      ...(wait === undefined
        ? []
        : [
            `# ${entry.storageClass} first: this takes ${wait}`,
            `aws s3api restore-object --bucket ${quoted(bucket)} --key ${quoted(key)}${version}${endpoint} --restore-request '{"Days":7,"GlacierJobParameters":{"Tier":"Standard"}}'`,
          ]),
      `# ${formatBytes(sizeBytes)}, to a folder with room for it`,
      version === ''
        ? `aws s3 cp ${quoted(`s3://${bucket}/${key}`)} ${quoted(file)}${endpoint}`
        : `aws s3api get-object --bucket ${quoted(bucket)} --key ${quoted(key)}${version}${endpoint} ${quoted(file)}`,
      '# under its own id when that is free, else another (--force destroys the guest that is there);',
      '# onto the storages it came from, or with --storage <id> onto that one',
      guest.kind === 'vm'
        ? `qmrestore ${quoted(file)} ${quoted(guest.id)}`
        : `pct restore ${quoted(guest.id)} ${quoted(file)}`,
    ]
  })
}

/** As a POSIX shell takes it for one word. */
function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}

/** The commands that restore an archive, on the page. */
import { rcloneSettings, restoreTable } from '../domain/catalogue/restore-commands.ts'

/** What the script needs for them beside the archive: the lines, and where the bucket is. */
export function pageRestore(s3Url: string | undefined): object {
  return { ...restoreTable, rclone: rcloneSettings(s3Url), ...(s3Url === undefined ? {} : { s3Url }) }
}

/** Does in the browser what `restoreSteps`, `restoreWords` and `longName` do; a test holds them against each other. */
export const RESTORE_SCRIPT = String.raw`
  const quoted = (text) => /^[\w@%+=:,./-]+$/.test(text) ? text : "'" + text.replaceAll("'", "'\\''") + "'"
  const longName = (form, ahead, keyedAt) => {
    const time = new Date((keyedAt + ahead) * 1000).toISOString()
    return form.replace('{}', time.slice(0, 10).replaceAll('-', '_') + '-' + time.slice(11, 19).replaceAll(':', '_'))
  }
  function restoreLines(about, guest, folder, fileName) {
    const { fetch, rules, rclone, s3Url } = about.restore
    const key = folder + fileName
    const words = {
      bucket: quoted(about.bucket),
      key: quoted(key),
      url: quoted('s3://' + about.bucket + '/' + key),
      remote: quoted('store:' + about.bucket + '/' + key),
      folder: quoted(folder),
      file: quoted('/var/lib/vz/dump/' + fileName.slice(fileName.lastIndexOf('/') + 1)),
      id: quoted(guest.id),
      rootfs: 'local-lvm:8',
      version: '',
      endpoint: s3Url === undefined ? '' : ' --endpoint-url ' + quoted(s3Url),
    }
    const rule = rules.find((one) => one.kind === guest.kind && fileName.endsWith(one.ending))
    return [...fetch, ...(rule ? rule.steps : [])].flatMap(({ way, say, run }) => [
      ...(say === '' ? [] : ['# ' + say]),
      ...(way === 'rclone' ? rclone : []),
      run.replaceAll(/\{([a-z]+)\}/g, (whole, name) => words[name] ?? whole),
    ])
  }
`

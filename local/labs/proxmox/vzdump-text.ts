/** Numbers, sizes and durations as vzdump's log writes them (pve-common Format.pm, VZDump.pm format_size, GNU tar). */

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

/** `192.0 MiB`; bytes alone without a decimal. */
export function renderBytes(bytes: number, decimals = 1): string {
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024
    unit += 1
  }
  return unit === 0 ? `${Math.round(value)} B` : `${value.toFixed(decimals)} ${UNITS[unit]}`
}

/** `3s`, `1m 10s`, `2h 3m 4s`. */
export function renderDuration(seconds: number): string {
  let left = Math.floor(seconds)
  const parts: string[] = []
  for (const [unit, length] of [
    ['w', 604_800],
    ['d', 86_400],
    ['h', 3_600],
    ['m', 60],
  ] as const) {
    if (left >= length) parts.push(`${Math.floor(left / length)}${unit}`)
    left %= length
  }
  if (left > 0 || parts.length === 0) parts.push(`${left}s`)
  return parts.join(' ')
}

/** `644KB`, `40MB`, `1.23GB`: whole numbers up to megabytes. */
export function renderFileSize(bytes: number): string {
  const [kib, mib, gib] = [bytes / 1024, bytes / 1024 ** 2, bytes / 1024 ** 3]
  if (kib < 1024) return `${Math.floor(kib)}KB`
  if (mib < 1024) return `${Math.floor(mib)}MB`
  return gib < 1024 ? `${gib.toFixed(2)}GB` : `${(gib / 1024).toFixed(2)}TB`
}

/** GNU tar's human sizes round up: `2.1MiB`, `41MiB`. */
function renderTarSize(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024
    unit += 1
  }
  const text = value < 10 && unit > 0 ? (Math.ceil(value * 10) / 10).toFixed(1) : String(Math.ceil(value))
  return `${text}${UNITS[unit]}`
}

export function tarTotals(bytes: number, seconds: number): string {
  return `Total bytes written: ${tarSizeAndRate(bytes, seconds)}`
}

/** Of unpacking. */
export function tarReadTotals(bytes: number, seconds: number): string {
  return `Total bytes read: ${tarSizeAndRate(bytes, seconds)}`
}

function tarSizeAndRate(bytes: number, seconds: number): string {
  return `${bytes} (${renderTarSize(bytes)}, ${renderTarSize(bytes / Math.max(seconds, 0.01))}/s)`
}

export function progressLine(
  done: number,
  total: number,
  seconds: number,
  readRate: number,
  writeRate: number,
): string {
  const percent = String(total === 0 ? 100 : Math.floor((done / total) * 100)).padStart(3)
  const of = `${percent}% (${renderBytes(done)} of ${renderBytes(total)})`
  return `${of} in ${renderDuration(seconds)}, read: ${renderBytes(readRate)}/s, write: ${renderBytes(writeRate)}/s`
}

/** `00:00:21` */
export function clock(seconds: number): string {
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0')
  return `${two(seconds / 3600)}:${two((seconds / 60) % 60)}:${two(seconds % 60)}`
}

/** As a shell would need it: anything but plain words in single quotes. */
export function shellQuote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'"'"'`)}'`
}

/** The pipeline that packs a container, which its failures quote whole. */
export function tarCommand(temporary: string, compressor: string, target: string): string {
  return [
    'set -o pipefail && tar cpf - --totals --one-file-system -p --sparse --numeric-owner --acls --xattrs',
    "'--xattrs-include=user.*' '--xattrs-include=security.capability' '--warning=no-file-ignored'",
    "'--warning=no-xattr-write' --one-file-system '--warning=no-file-ignored'",
    `'--directory=${temporary}' ./etc/vzdump/pct.conf ./etc/vzdump/pct.fw '--directory=/mnt/vzsnap0'`,
    "--no-anchored '--exclude=lost+found' --anchored '--exclude=./tmp/?*' '--exclude=./var/tmp/?*'",
    `'--exclude=./var/run/?*.pid' ./ ${compressor}>${target}`,
  ].join(' ')
}

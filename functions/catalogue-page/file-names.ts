/**
 * Names of files as the page has them: those of a guest's archives differ by nothing but the platform's local time, so a
 * guest has the few forms of its names once, and an archive says which one and how far that time is ahead.
 */

/** A time within a name, `2026_11_22-02_00_07`, by the platform's own clock and zone. */
const TIME = /(\d{4})_(\d\d)_(\d\d)-(\d\d)_(\d\d)_(\d\d)/
/** Stands for the time in a form. */
const PLACE = '{}'

export interface ShortName {
  form: string
  /** Seconds that the name's time is ahead of the one in the archive's key; 0 for a name without any. */
  ahead: number
}

/** @param keyedAt seconds since 1970; `undefined` for a name that can't be made short and long again */
export function shortName(fileName: string, keyedAt: number): ShortName | undefined {
  const [, year, month, day, hour, minute, second] = TIME.exec(fileName) ?? []
  if (second === undefined) return fileName.includes(PLACE) ? undefined : { form: fileName, ahead: 0 }
  const named = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second))
  const short = { form: fileName.replace(TIME, PLACE), ahead: named / 1000 - keyedAt }
  return longName(short, keyedAt) === fileName ? short : undefined
}

/** The inverse, as the page's script has it. */
export function longName({ form, ahead }: ShortName, keyedAt: number): string {
  const time = new Date((keyedAt + ahead) * 1000).toISOString()
  return form.replace(PLACE, `${time.slice(0, 10).replaceAll('-', '_')}-${time.slice(11, 19).replaceAll(':', '_')}`)
}

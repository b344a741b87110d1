interface Waits {
  connectMilliseconds: number
  idleMilliseconds: number
}

/** The same settings, with no wait longer than so much: for somebody who has to know soon. */
export function sooner<Settings extends Waits>(settings: Settings, milliseconds = Number.POSITIVE_INFINITY): Settings {
  return {
    ...settings,
    connectMilliseconds: Math.min(settings.connectMilliseconds, milliseconds),
    idleMilliseconds: Math.min(settings.idleMilliseconds, milliseconds),
  }
}

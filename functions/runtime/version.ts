import packageJson from '../../package.json' with { type: 'json' }

/** `guestlift/<version>`, written into manifests. */
export const toolVersion = `guestlift/${packageJson.version}`

/** What a command under test sees of the environment: a home of its own, no colours, and keys of the embedded S3. */

/** Of the embedded S3 and of the command line. */
export const ownKeys = { accessKeyId: 'cli', secretAccessKey: 'cli-secret-key' }

/**
 * Nothing of the machine's own but the way to programs.
 * @param more what the command sees beside it, or in its place
 */
export function ownEnvironment(home: string, more: Readonly<Record<string, string>> = {}): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    NO_COLOR: '1',
    // Keys are not looked for elsewhere, which takes seconds.
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_ACCESS_KEY_ID: ownKeys.accessKeyId,
    AWS_SECRET_ACCESS_KEY: ownKeys.secretAccessKey,
    ...more,
  }
}

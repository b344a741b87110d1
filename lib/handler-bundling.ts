import type { BuildOptions } from 'esbuild'

/** What decides which code is in a function's bundle. */
export const handlerBundling = {
  bundle: true,
  minify: true,
  platform: 'node',
  target: 'node24',
  // CommonJS: ssh2 asks for node's modules and for __dirname, which esbuild's ESM output doesn't offer.
  format: 'cjs',
  // The runtime's own SDK changes under us; and with `module` first the S3 client is a quarter smaller.
  mainFields: ['module', 'main'],
  // Both are optional speed-ups of ssh2, compiled for this machine and not for Lambda's. It goes on without them.
  external: ['cpu-features'],
  // The S3 client says `import('node:http')`, which asks for all that the module exports, and one of those loads an HTTP
  // client of Node's own: 0.1 s of CPU time, a fifth of a function's start. `require` leaves it alone.
  supported: { 'dynamic-import': false },
  loader: { '.node': 'empty' },
  logLevel: 'warning',
} satisfies BuildOptions

export function stateFolder(env?: NodeJS.ProcessEnv): string
export function cacheFolder(env?: NodeJS.ProcessEnv): string

/** Where the deployments lie that are named by their files. */
export const deploymentsFolder = new URL('deployments/', import.meta.url)
/** As messages name it. */
export const deploymentsShown = 'lib/deployments'

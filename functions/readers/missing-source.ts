/** What to look at when a file isn't there; to follow where it was looked for. Nobody here knows whether it ever was. */
export const missingAdvice =
  'If bytes of it were copied before, it was removed on the node meanwhile: look for what prunes there. If the account ' +
  'never saw it, it may be confined to a folder: set route.pathPrefix'

/** The same for the folder that a storage's archives will be in, looked for before there is any. */
export const missingFolderAdvice =
  'See on the node whether the storage is online there; if it is, the account may be confined to a folder: set ' +
  'route.pathPrefix'

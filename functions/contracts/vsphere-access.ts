/** How a vCenter or an ESXi host is reached: the part of a site's configuration that provider, readers and writers share. */
import * as z from 'zod'
import { tlsSchema } from './tls.ts'

/** Scheme, host and port, and nothing else: credentials and paths have fields of their own. */
const endpointSchema = z
  .string()
  .refine((text) => URL.canParse(text) && new URL(text).protocol === 'https:', {
    error: 'an endpoint is a URL that starts with https://, as https://vcenter.example.com',
  })
  .refine((text) => !URL.canParse(text) || isBare(new URL(text)), {
    error: 'an endpoint is scheme, host and port only, as https://vcenter.example.com; credentials belong in auth',
  })
  .transform((text) => new URL(text).origin)

function isBare({ pathname, search, hash, username, password }: URL): boolean {
  return pathname === '/' && search === '' && hash === '' && username === '' && password === ''
}

export const vsphereAuthSchema = z.strictObject({
  username: z
    .string()
    .min(1)
    .max(256)
    .describe('A vCenter wants `user@vsphere.local` or `DOMAIN\\user`; an ESXi host wants its local name.'),
  password: z.string().min(1).describe("The account's password."),
})
export type VsphereAuth = z.infer<typeof vsphereAuthSchema>

/** `host`: one-request tickets, pinned by the certificate that the vCenter names for the host. */
export const transportSchema = z.enum(['vcenter', 'host'])
export type Transport = z.infer<typeof transportSchema>

export const vsphereEndpointSchema = endpointSchema.describe(
  'The vCenter, or a single ESXi host, as `https://vcenter.example.com`.',
)
export const vsphereTlsSchema = tlsSchema
  .default({ mode: 'system' })
  .describe('How the endpoint proves who it is. A vCenter signs its own certificate: use `ca` or `fingerprint`.')
export const vsphereTransportSchema = transportSchema
  .default('vcenter')
  .describe(
    'Where files are read from: `vcenter` has one address and one certificate; `host` goes straight to the ESXi hosts, with tickets of the vCenter.',
  )

/** What a function that moves bytes needs to know of the site. */
export const vsphereAccessSchema = z.object({
  endpoint: vsphereEndpointSchema,
  tls: vsphereTlsSchema,
  auth: vsphereAuthSchema,
  transport: vsphereTransportSchema,
})
export type VsphereAccess = z.infer<typeof vsphereAccessSchema>

/** A disk that a restore writes as one file of a datastore. Its folder is the restore's own: the name ends with its token. */
export const newDatastoreDiskSchema = z.strictObject({
  type: z.literal('datastore-disk'),
  /** Inventory path of the datacenter without a slash in front, and what the server calls it. */
  datacenter: z.string(),
  datacenterId: z.string().min(1),
  datastore: z.string().min(1),
  folder: z.string().min(1),
  /** Within the datastore, as `web-0f1e2d3c4b5a6978/web-flat.vmdk`. */
  path: z.string().min(1),
  sizeBytes: z.int().positive(),
})
export type NewDatastoreDisk = z.infer<typeof newDatastoreDiskSchema>

/** A file on a datastore that doesn't change while our snapshot stands over it. */
export const datastoreFileLocationSchema = z.object({
  type: z.literal('datastore-file'),
  /** The host where the guest was when the snapshot was made. */
  node: z.string().min(1),
  /** Inventory path of the datacenter without a slash in front, as `North America/DC1`. */
  datacenter: z.string(),
  datastore: z.string().min(1),
  /** Within the datastore, as `web/web-flat.vmdk`. */
  path: z.string().min(1),
  /** By the platform's list of the guest's files. */
  sizeBytes: z.int().nonnegative(),
  /** What holds the file still: the guest by its instance UUID, and our snapshot or clone by its name. */
  heldBy: z.strictObject({
    guestId: z.string().min(1),
    kind: z.enum(['snapshot', 'clone', 'template']),
    name: z.string(),
    /** How long it may stay, as the site has it: then the copy is given up. */
    until: z.iso.datetime().optional(),
  }),
})
export type DatastoreFileLocation = z.infer<typeof datastoreFileLocationSchema>

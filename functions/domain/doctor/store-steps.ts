/** What is asked of a store before a run, in this order. */
export const STORE_STEPS = ['upload', 'lists', 'checksum', 'conditions', 'reading', 'removal'] as const
export type StoreStep = (typeof STORE_STEPS)[number]

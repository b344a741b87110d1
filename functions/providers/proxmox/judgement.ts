/** What is answered about one key of a restored configuration. `undefined`: the same. */
export type Judgement = { expected: string } | { difference: string } | undefined

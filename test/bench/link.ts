/** What 1 Gbit/s carries. Payload: the headers of real packets would take 3 to 5 % more. */
export const GIGABIT_BYTES_PER_SECOND = 125_000_000

/** What 1 Gbit/s carries. Payload: the headers of real packets would take 3 to 5 % more. */
export const GIGABIT_BYTES_PER_SECOND = 125_000_000
/** What 200 Mbit/s carries: two cores that play every part on both sides of the line keep up with it. */
export const SMALL_LINK_BYTES_PER_SECOND = 25_000_000

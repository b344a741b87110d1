/** Call `fire` once so much time has passed. Returns what takes that back. */
export function timer(milliseconds: number, fire: () => void): () => void {
  const running = setTimeout(fire, milliseconds)
  return () => clearTimeout(running)
}

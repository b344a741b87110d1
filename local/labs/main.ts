/** `npm run lab`: the simulated platform of a person's choice. Each has options of its own; `--help` shows them. */
const LABS: Record<string, () => Promise<unknown>> = {
  proxmox: () => import('./proxmox/main.ts'),
  ec2: () => import('./ec2/main.ts'),
  vsphere: () => import('./vsphere/main.ts'),
  azure: () => import('./azure/main.ts'),
}

/** The last one counts, as for any option. */
function chosen(words: readonly string[]): string {
  const named = words.flatMap((word, place) => {
    if (word.startsWith('--platform=')) return [word.slice('--platform='.length)]
    return word === '--platform' ? [words[place + 1] ?? ''] : []
  })
  return named.at(-1) ?? 'proxmox'
}

const platform = chosen(process.argv.slice(2))
const start = LABS[platform]
if (start === undefined) {
  process.stderr.write(
    `There is no lab of the platform "${platform}". Choose one of: ${Object.keys(LABS).join(', ')}.\n`,
  )
  process.exitCode = 1
} else await start()

import type { CompletedCommand, CompletedOption } from './completion-tree.ts'

/** With the description of each word. */
export function fishScript(tree: readonly CompletedCommand[]): string {
  const paths = tree.map(({ path }) => path).filter((path) => path !== '')
  const lines = tree.flatMap(({ path, commands, options }) => {
    const when = `complete -c guestlift -n "__guestlift_at '${path}'"`
    return [
      ...commands.map(({ name, description }) => `${when} -f -a ${name} -d '${description}'`),
      ...options.map((option) => `${when} ${flagsOf(option)} -d '${option.description}'`),
    ]
  })
  return `# Completion of guestlift for fish: guestlift completion fish > ~/.config/fish/completions/guestlift.fish
function __guestlift_at -a wanted
  set -l level ''
  for word in (commandline -opc)[2..]
    set -l next (string trim -- "$level $word")
    contains -- "$next" ${paths.map((path) => `'${path}'`).join(' ')}; and set level "$next"
  end
  test "$level" = "$wanted"
end
${lines.join('\n')}
`
}

function flagsOf({ flags, value }: CompletedOption): string {
  const named = flags.map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`)).join(' ')
  if (value === 'none') return named
  if (value === 'file') return `${named} -r -F`
  return value === 'any' ? `${named} -x` : `${named} -x -a '${value.join(' ')}'`
}

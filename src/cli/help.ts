/** The help texts: of the whole, of a group, of a command. */
import type { Command } from './command.ts';
import { flagsOf } from './flags.ts';

export const EXIT_CODES = `Exit codes: 0 all succeeded, 1 some failed, 2 wrong request or command line, 3 the wait timed out (the run
goes on), 4 no valid token, 5 cancelled, 70 the service failed or does not answer.`;

/** What runs until Ctrl-C; each has a --help of its own. */
const PROGRAMS: readonly [string, string][] = [
  ['serve', 'The service on this machine until Ctrl-C, with everything it needs.'],
  ['control-hub-simulator', 'Stands in for StreamSets Control Hub until Ctrl-C, for tests and offline work.'],
];

const OVERVIEW_EXAMPLES = `  sluice catalog apply examples/catalog
  sluice run start -s csv -t parquet -p SOURCE_PATH=airports.csv -p TARGET_PATH=airports.parquet --wait
  sluice run list --state failed --json run-id,state
  sluice run retry RUN --failed --wait
  sluice job params JOB --diff
  sluice metrics --user-run-id nightly --csv
  sluice doctor`;

export function overview(commands: readonly Command[]): string {
  return `Starts parameterised jobs and follows them to the end.

Usage: sluice GROUP COMMAND [flags]

${listed([...commands.map((command): [string, string] => [`${command.group} ${spelt(command)}`, command.summary]), ...PROGRAMS])}

Examples:
${OVERVIEW_EXAMPLES}

Every level has --help. ${EXIT_CODES}
`;
}

export function groupHelp(group: string, commands: readonly Command[]): string {
  const own = commands.filter((command) => command.group === group);
  return `Usage: sluice ${group} COMMAND [flags]

${listed(own.map((command) => [spelt(command), command.summary]))}

Examples:
${own.map((command) => command.examples.slice(0, 1).map((example) => `  ${example}`)).join('\n')}

Each command has --help.
`;
}

export function commandHelp(command: Command): string {
  const flags = Object.entries(flagsOf(command)).map(([name, { value, short, help }]): [string, string] => {
    return [`${short === undefined ? '    ' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`, help];
  });
  const fields = command.fields.length === 0 ? '' : `\nFields of --json: ${command.fields.join(', ')}\n`;
  return `${command.summary}

Usage: sluice ${[command.group, spelt(command), ...command.operands].join(' ')} [flags]

${listed(flags)}
${fields}${command.notes === undefined ? '' : `\n${command.notes}\n`}
Examples:
${command.examples.map((example) => `  ${example}`).join('\n')}

${EXIT_CODES}
`;
}

/** The name of a group's default command may be left out. */
const spelt = ({ name, isDefault }: Command): string => (isDefault ? `[${name}]` : name);

function listed(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join('\n');
}

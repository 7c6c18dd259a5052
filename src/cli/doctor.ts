/** `sluice doctor`: what no execution looks after any more. The service sweeps by the clock; this is the same on demand. */
import { SweepView } from '#contract/sweep-view';
import type { Command } from './command.ts';
import { jsonText } from './json-text.ts';
import { counted, number, oneLine, table } from './table.ts';

export const doctor: Command = {
  group: 'doctor',
  name: 'check',
  isDefault: true,
  summary: 'Compares runs, executions and slots with one another, shows what does not fit, and repairs it.',
  operands: [],
  flags: { repair: { help: 'repair what is found; it needs a token of an administrator' } },
  fields: Object.keys(SweepView.shape),
  notes: `Without --repair nothing is changed: REPAIR says what would mend it. The service repairs the same by itself every few minutes.
Exit codes of this command: 0 nothing is found, or all is repaired; 1 something is left.`,
  examples: ['sluice doctor', 'sluice doctor --repair', 'sluice doctor --json findings'],
  undone: 'nothing was compared',
  async run({ client, stdout, stderr }, invocation) {
    const isRepair = invocation.has('repair');
    const swept = await (isRepair ? client.repair() : client.sweep());
    const { findings } = swept;
    const left = findings.filter(({ outcome }) => outcome !== 'repaired').length;
    if (invocation.json) stdout.write(jsonText(swept, invocation.json));
    else if (findings.length > 0) stdout.write(findingTable(findings, isRepair));
    const compared = `${counted(swept['open-runs'], 'open run')} and ${counted(swept['running-executions'], 'running execution')} compared`;
    const repaired = isRepair ? `, ${number(findings.length - left)} repaired` : '';
    stderr.write(`${compared}: ${findings.length === 0 ? 'nothing is amiss' : `${number(findings.length)} found${repaired}`}.\n`);
    if (swept.unfinished) stderr.write('That is not all: the time of a request was over. Ask again, or leave it to the service.\n');
    return left === 0 && !swept.unfinished ? 0 : 1;
  },
};

function findingTable(findings: SweepView['findings'], isRepair: boolean): string {
  const titles = ['FINDING', 'SINCE', 'WHAT', 'REPAIR', ...(isRepair ? ['OUTCOME'] : [])];
  return table(
    titles.map((title) => ({ title })),
    findings.map(({ kind, since, detail, repair, outcome, message }) => [
      kind,
      since,
      oneLine(detail),
      repair,
      ...(isRepair ? [message === undefined ? (outcome ?? '') : `${outcome ?? ''}: ${oneLine(message)}`] : []),
    ]),
  );
}

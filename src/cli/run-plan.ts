/** `sluice run plan`: what `sluice run start` would start with the same flags. */
import { PlanView } from '#contract/plan-view';
import { UsageError, type Command } from './command.ts';
import { numberFlag } from './flags.ts';
import { jsonText } from './json-text.ts';
import { planSets, planSummary } from './plan-text.ts';
import { REQUEST_FLAGS, requestOf, SKIP_NOTES, VALUE_NOTES } from './run-request.ts';

const SETS_SHOWN = 5;
const { 'next-cursor': _oneAnswerIsAllThatIsShown, ...SHOWN } = PlanView.shape;

export const runPlan: Command = {
  group: 'run',
  name: 'plan',
  summary: 'Shows what a start with the same flags would start. Nothing is started.',
  operands: [],
  flags: {
    ...REQUEST_FLAGS,
    quiet: { short: 'q', help: 'the plan hash alone' },
    limit: { short: 'L', value: 'NUMBER', help: `how many sets are shown, 500 at most (${SETS_SHOWN})` },
  },
  fields: Object.keys(SHOWN),
  notes: `The plan hash stands for the request with its names, the version of the template and the sets that are left out. Given to
run start as --plan-hash, with the same flags, exactly this is started; where it would be something else by then, nothing is.

${VALUE_NOTES}

${SKIP_NOTES}`,
  examples: [
    'sluice run plan -s csv -t parquet --params-file sets.csv',
    'sluice run plan -s csv -t parquet --params-file sets.csv --skip-succeeded-since 2026-11-21T00:00:00Z',
    'sluice run plan -s csv -t parquet --params-file sets.csv --user-run-id r7 --quiet',
    'sluice run plan -s csv -t parquet --params-file sets.csv --json set-count,skipped-sets,expected',
  ],
  undone: 'the run cannot be planned',
  async run(context, invocation) {
    const isQuiet = invocation.has('quiet');
    if (isQuiet && invocation.json) throw new UsageError('--quiet and --json are two forms of the same: give one');
    const limit = numberFlag(invocation, 'limit', 1) ?? SETS_SHOWN;
    const request = requestOf(context, invocation);
    const { 'next-cursor': more, ...plan } = await context.client.planRun(request, { limit: isQuiet ? 1 : limit });
    if (isQuiet) {
      context.stdout.write(`${plan['plan-hash']}\n`);
      return 0;
    }
    if (more !== undefined) context.stderr.write(`Shown: the first ${limit} of ${plan['set-count']} sets; --limit shows more.\n`);
    const sets = plan.sets.length === 0 ? '' : `\n${planSets(plan)}`;
    context.stdout.write(invocation.json ? jsonText(plan, invocation.json) : `${planSummary(plan, request)}${sets}`);
    return 0;
  },
};

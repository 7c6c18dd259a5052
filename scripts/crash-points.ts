/**
 * `npm run crash-points`: every call of small runs on the simulated Control Hub meets every outcome that suits it, one schedule for
 * each, and pairs of them (test/crash-points). It stops at the first schedule that breaks a promise, and shows its steps.
 */
import { parseArgs } from 'node:util';
import { pairsOfFaults, parseSchedule, scheduleText, singleFaults } from '#test/crash-points/enumerate';
import { runSchedule, type Schedule } from '#test/crash-points/run-schedule';
import { SCENARIO_NAMES, SCENARIOS } from '#test/crash-points/scenarios';

const HELP = `Usage: npm run crash-points -- [options]

  --scenario NAME     this one alone: ${SCENARIO_NAMES.join(', ')}
  --pairs N           pairs of faults of each scenario, beside all single ones (1000)
  --seed N            draws the pairs (1)
  --schedule 'NAME K:OUTCOME …'   this one alone, with all of its steps
  --help              this text

Exit code: 0 every promise was kept, 1 one was broken, 2 usage.
`;

interface Asked {
  readonly scenarios: typeof SCENARIO_NAMES;
  readonly pairs: number;
  readonly seed: number;
  readonly schedule?: Schedule;
}

async function main(): Promise<number> {
  const wanted = asked();
  if (wanted === undefined) return 2;
  if (wanted === 'help') {
    print(HELP);
    return 0;
  }
  if (wanted.schedule) return (await isKept(wanted.schedule)) ? 0 : 1;
  const beganMs = performance.now();
  let schedules = 0;
  for (const scenario of wanted.scenarios) {
    const singles = await singleFaults(scenario);
    const pairs = await pairsOfFaults(scenario, wanted.pairs, wanted.seed);
    const sums = { stopped: 0, unseen: 0 };
    for (const schedule of [...singles, ...pairs]) {
      const { violation, excused } = await runSchedule(schedule);
      if (violation !== undefined) {
        await isKept(schedule);
        return 1;
      }
      sums.stopped += excused.stopped.length > 0 ? 1 : 0;
      sums.unseen += excused.unseen.length > 0 ? 1 : 0;
    }
    schedules += singles.length + pairs.length;
    print(`${scenario}, ${SCENARIOS[scenario].about}: ${singles.length} single faults, ${pairs.length} pairs of seed ${wanted.seed}; `);
    print(`in ${sums.stopped} one start had two instances and one was stopped, in ${sums.unseen} nobody could see one in time\n`);
  }
  print(`${schedules} schedules: every promise was kept, in ${((performance.now() - beganMs) / 1000).toFixed(1)} s.\n`);
  return 0;
}

function asked(): Asked | 'help' | undefined {
  try {
    const text = { type: 'string' } as const;
    const { values } = parseArgs({
      options: { scenario: text, pairs: text, seed: text, schedule: text, help: { type: 'boolean' } },
    });
    if (values.help === true) return 'help';
    const scenarios = SCENARIO_NAMES.filter((name) => values.scenario === undefined || name === values.scenario);
    if (scenarios.length === 0) throw new TypeError(`there is no scenario ${String(values.scenario)}`);
    return {
      scenarios,
      pairs: whole('pairs', values.pairs, 1000),
      seed: whole('seed', values.seed, 1),
      ...(values.schedule === undefined ? {} : { schedule: parseSchedule(values.schedule) }),
    };
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${HELP}`);
    return undefined;
  }
}

function whole(name: string, given: string | undefined, otherwise: number): number {
  const number = given === undefined ? otherwise : Number(given);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  throw new TypeError(`--${name} takes a whole number, not ${String(given)}`);
}

async function isKept(schedule: Schedule): Promise<boolean> {
  const { violation, calls, trace } = await runSchedule(schedule, { traced: true });
  print(`${trace.join('\n')}\n\n`);
  for (const { k, what, outcome } of calls) if (outcome !== undefined) print(`call ${k}, ${what}: ${outcome}\n`);
  const text = scheduleText(schedule);
  if (violation === undefined) print(`${text}: every promise was kept.\n`);
  else print(`${text}: ${violation}\nAgain: npm run crash-points -- --schedule '${text}'\n`);
  return violation === undefined;
}

function print(text: string): void {
  process.stdout.write(text);
}

process.exitCode = await main();

/**
 * `npm run simulate`: the deterministic simulation (test/simulation) over many seeds. It stops at the first seed that breaks
 * a promise, and shows the steps that led there. The same seed is the same world, on every machine.
 */
import { parseArgs } from 'node:util';
import { simulate } from '#test/simulation/simulate';

const HELP = `Usage: npm run simulate -- [options]

  --seeds N   how many seeds (100000)
  --from N    the first of them (1)
  --seed N    this one alone, with all of its steps
  --steps N   of a seed that fails, show the last N steps (200); 0 shows all
  --help      this text

Exit code: 0 every promise was kept, 1 one was broken, 2 usage.
`;

const PROGRESS_MS = 5_000;

async function main(): Promise<number> {
  const wanted = asked();
  if (wanted === undefined) return 2;
  if (wanted === 'help') {
    print(HELP);
    return 0;
  }
  if (wanted.seed !== undefined) return (await isKept(wanted.seed, 0)) ? 0 : 1;
  const { from, seeds, steps } = wanted;
  const sums = { runs: 0, jobs: 0, steps: 0, hours: 0 };
  const beganMs = performance.now();
  let toldMs = beganMs;
  for (let seed = from; seed < from + seeds; seed += 1) {
    const done = await simulate({ seed });
    if (done.violation !== undefined) {
      await isKept(seed, steps);
      return 1;
    }
    sums.runs += done.runs;
    sums.jobs += done.jobs;
    sums.steps += done.steps;
    sums.hours += done.virtualSeconds / 3600;
    if (performance.now() - toldMs < PROGRESS_MS) continue;
    toldMs = performance.now();
    const perSecond = ((seed - from + 1) / (toldMs - beganMs)) * 1000;
    print(`${seed - from + 1} of ${seeds} seeds, ${Math.round(perSecond)} a second\n`);
  }
  const seconds = (performance.now() - beganMs) / 1000;
  const { runs, jobs, steps: taken, hours } = sums;
  print(`${seeds} seeds from ${from}: every promise was kept, in ${seconds.toFixed(1)} s.\n`);
  print(`${runs} runs, ${jobs} jobs, ${taken} steps, ${Math.round(hours)} virtual hours.\n`);
  return 0;
}

interface Asked {
  readonly seed?: number;
  readonly from: number;
  readonly seeds: number;
  readonly steps: number;
}

function asked(): Asked | 'help' | undefined {
  try {
    const text = { type: 'string' } as const;
    const { values } = parseArgs({ options: { seeds: text, from: text, seed: text, steps: text, help: { type: 'boolean' } } });
    if (values.help === true) return 'help';
    return {
      from: whole('from', values.from, 1),
      seeds: whole('seeds', values.seeds, 100_000),
      steps: whole('steps', values.steps, 200),
      ...(values.seed === undefined ? {} : { seed: whole('seed', values.seed, 0) }),
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

async function isKept(seed: number, steps: number): Promise<boolean> {
  const { violation, trace } = await simulate({ seed, traced: true });
  print(`${trace.slice(-steps).join('\n')}\n\n`);
  if (violation === undefined) print(`Seed ${seed}: every promise was kept.\n`);
  else print(`Seed ${seed}: ${violation}\nAgain: npm run simulate -- --seed ${seed}\n`);
  return violation === undefined;
}

function print(text: string): void {
  process.stdout.write(text);
}

process.exitCode = await main();

/**
 * `npm run chaos`: kills the whole service at random moments of real work, round after round on one data folder, and then asks
 * the API, the output files and the Step Functions endpoint whether every accepted job has ended and was recorded once. It
 * needs no network. `test/support/chaos` holds what is asked, killed and judged.
 */
import { randomInt } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { table } from '#bench/table';
import { sluiceClient } from '#client/sluice-client';
import { builtApp } from '#hosts/local/built-app';
import { startLocalHost, type LocalHost } from '#hosts/local/local-host';
import { gather, type Evidence } from '#test/support/chaos/evidence';
import { MOMENTS, planRounds, VICTIMS } from '#test/support/chaos/plan';
import { post, runRounds, type Asked } from '#test/support/chaos/rounds';
import { violations, type Violation } from '#test/support/chaos/violations';

/** From `.out/app/scripts/chaos.js`, where the build puts this. */
const app = new URL('../', import.meta.url);
const built = builtApp(app);

const HELP = `Kills the service with kill -9 at random moments of runs of 1 to 50 sets, starts it again, and checks in the end that
every job of every accepted run has ended and was recorded once.

  npm run chaos -- [flags]

  --rounds NUMBER   kills                                                       (200)
  --seed NUMBER     draws the same requests and moments again; timing is the machine's   (random)
  --keep            leaves the data folder, which is left anyway where something is wrong
  --help

Exits with 0 where all is well, 1 where something is wrong, 2 where a flag is.
`;

interface Options {
  readonly rounds: number;
  readonly seed: number;
  readonly keep: boolean;
}

function parsedOptions(): Options | 'help' | 'invalid' {
  try {
    const text = { type: 'string' } as const;
    const flag = { type: 'boolean', default: false } as const;
    const { values } = parseArgs({ options: { rounds: text, seed: text, keep: flag, help: { ...flag, short: 'h' } } });
    if (values.help) return 'help';
    const rounds = Number(values.rounds ?? 200);
    const seed = Number(values.seed ?? randomInt(2 ** 31));
    return Number.isInteger(rounds) && rounds > 0 && Number.isInteger(seed) ? { rounds, seed, keep: values.keep } : 'invalid';
  } catch {
    return 'invalid';
  }
}

async function chaos({ rounds, seed }: Options, dataDir: string): Promise<readonly Violation[]> {
  const from = performance.now();
  const tell = (line: string): void => {
    print(`${Math.round((performance.now() - from) / 1000)} s  ${line}`);
  };
  print(`${rounds} rounds, seed ${seed}, data in ${dataDir}`);
  const main = fileURLToPath(new URL('src/hosts/local/main.js', app));
  const asked = await runRounds({ dataDir, main, plan: planRounds(rounds, seed), tell });
  tell('the last start: what is under way goes on to its end');
  const host = await startedHost(dataDir);
  try {
    const client = sluiceClient({ url: host.url, token: host.token });
    for (const planned of asked.unanswered.values()) await post(host, planned, asked);
    const { stepFunctionsEndpoint } = host;
    const evidence = await gather({ client, stepFunctionsEndpoint, outputRoot: join(dataDir, 'output') }, asked);
    tell('everything has been read');
    const unanswered = [...asked.unanswered.keys()].map((id) => ({ id, what: 'was never answered' }));
    print(`\n${countsTable(asked, evidence)}`);
    return [...asked.violations, ...unanswered, ...violations(evidence)];
  } finally {
    await host.close();
  }
}

/** In this process, which knows where its Step Functions endpoint is. */
function startedHost(dataDir: string): Promise<LocalHost> {
  return startLocalHost({
    settings: {
      port: 0,
      host: '127.0.0.1',
      dataDir,
      inputRoot: dataDir,
      outputRoot: join(dataDir, 'output'),
      parallel: 2,
      pollFloorSeconds: 1,
      engineLimits: {},
      allowAnonymous: false,
    },
    ...built,
  });
}

function countsTable(asked: Asked, { runs, outputs, executions }: Evidence): string {
  const jobs = runs.flatMap((run) => run.jobs);
  const ended = (state: string, reason?: string): number =>
    jobs.filter(({ job }) => job.state === state && job.failure?.reason === reason).length;
  const machines = (wanted: string): number => executions.filter(({ machine }) => machine === wanted).length;
  const rows: readonly (readonly [string, number])[] = [
    ...MOMENTS.map((moment) => [`kills during ${moment}`, asked.kills.filter((kill) => kill.moment === moment).length] as const),
    ...VICTIMS.map((victim) => [`kills of ${victim}`, asked.kills.filter((kill) => kill.victim === victim).length] as const),
    ['runs accepted', runs.length],
    ['answers lost', asked.lostAnswers],
    ['accepted requests sent again', asked.repeatedRequests],
    ['jobs', jobs.length],
    ['jobs finished', ended('FINISHED')],
    ['jobs failed as planned', ended('FAILED', 'engine-error')],
    ['jobs failed as lost', ended('FAILED', 'lost')],
    ['attempts', jobs.reduce((sum, { job }) => sum + job.attempt, 0)],
    ['history entries', jobs.reduce((sum, { history }) => sum + history.length, 0)],
    ['output files', outputs.size],
    ['executions of runs', machines('run')],
    ['executions of watch loops', machines('watch')],
    ['executions of Map children', machines('child')],
  ];
  return table(
    ['what', 'count'],
    rows.map(([what, count]) => [what, count.toLocaleString('en')]),
  );
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

const VIOLATIONS_SHOWN = 50;

async function main(options: Options): Promise<void> {
  // An orderly exit, in which the service of the round is ended too.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
  const dataDir = mkdtempSync(join(tmpdir(), 'sluice-chaos-'));
  const found = await chaos(options, dataDir);
  if (found.length === 0) print('Every job of every accepted run has ended and is recorded once.');
  else {
    process.exitCode = 1;
    print(`\nSeed ${options.seed}: ${found.length} violations`);
    for (const { id, what } of found.slice(0, VIOLATIONS_SHOWN)) print(`  ${id} ${what}`);
  }
  if (options.keep || found.length > 0) print(`Data kept in ${dataDir}`);
  else rmSync(dataDir, { recursive: true, force: true });
}

const options = parsedOptions();
if (options === 'help') print(HELP);
else if (options === 'invalid') {
  process.stderr.write('--rounds and --seed take whole numbers\nTry: npm run chaos -- --help\n');
  process.exitCode = 2;
} else await main(options);

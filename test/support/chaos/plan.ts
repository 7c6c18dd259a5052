/** What every round asks for and where it is killed, all of it drawn from one seed: the same seed is the same plan. */
import type { JsonObject } from '#domain/json';
import type { RunRequest } from '#contract/run-request';
import { randomOf, type Random } from '#test/support/random';
import type { TemplateInput } from '#client/catalog-client';

export interface PlannedSet {
  readonly target: string;
  /** Of its output. */
  readonly rows: number;
  /** Stands in every row, so that no output can be taken for another's. */
  readonly tag: string;
  /** Its SQL ends in an error. */
  readonly fails: boolean;
}

export interface PlannedRun {
  readonly request: RunRequest;
  readonly sets: readonly PlannedSet[];
}

export const MOMENTS = ['start-up', 'request', 'run'] as const;
/** The service's own process, whose children must notice; its process group, so the workers too; or all at once, with the database. */
export const VICTIMS = ['process', 'group', 'all'] as const;

export interface PlannedKill {
  readonly moment: (typeof MOMENTS)[number];
  /** Since the process was started, the requests were sent, or they were answered. */
  readonly afterMs: number;
  readonly victim: (typeof VICTIMS)[number];
}

export interface PlannedRound {
  readonly runs: readonly PlannedRun[];
  /** An earlier request is sent once more; it must be answered by its run. */
  readonly repeats: boolean;
  readonly kill: PlannedKill;
}

export const TEMPLATE_ID = 'tmpl_chaos';
export const PATTERN = { 'source-type': 'range', 'target-type': 'csv', 'template-id': TEMPLATE_ID } as const;
/** The most that a template may ask for; a job that was killed more often has failed as lost, which is an end as well. */
export const LOST_RETRIES = 10;

export const TEMPLATE: TemplateInput = {
  name: 'Chaos',
  engine: 'duckdb',
  definition: {
    stages: [{ name: 'work', sql: 'CREATE TABLE work AS SELECT count(*) AS n FROM range($WORK) AS r(i) WHERE hash(i) % 7 = 0' }],
    target: {
      path: '$TARGET',
      sql: "SELECT CASE WHEN $FAILS THEN error('planned') ELSE i END AS n, $TAG AS tag FROM range($ROWS) AS r(i) ORDER BY i",
      format: 'csv',
    },
  },
  limits: { retries: { lost: LOST_RETRIES } },
};

export function planRounds(count: number, seed: number): readonly PlannedRound[] {
  const random = randomOf(seed);
  return Array.from({ length: count }, (_, index) => planRound(index + 1, random));
}

function planRound(round: number, random: Random): PlannedRound {
  const moment = pick(random, ['start-up', 'request', 'request', 'run', 'run', 'run', 'run'] as const);
  const kill = { moment, afterMs: afterMs(moment, random), victim: pick(random, VICTIMS) };
  const runs = moment === 'start-up' ? 0 : random() < 0.3 ? 2 : 1;
  return { runs: Array.from({ length: runs }, (_, run) => planRun(`chaos-${round}-${run}`, random)), repeats: random() < 0.2, kill };
}

/** Most early, where the most is going on; some late. */
function afterMs(moment: PlannedKill['moment'], random: Random): number {
  switch (moment) {
    case 'start-up':
      return 600 * random();
    case 'request':
      return 60 * random() ** 2;
    case 'run':
      return 2_000 * random() ** 2;
  }
}

function planRun(name: string, random: Random): PlannedRun {
  // A distributed Map takes over above 40 sets.
  const count = random() < 0.15 ? whole(random, 41, 50) : 1 + Math.floor(40 * random() ** 3);
  const drawn = Array.from({ length: count }, (_, index) => planSet(name, index, random));
  return {
    request: {
      'user-id': 'chaos',
      'user-run-id': name,
      'source-type': PATTERN['source-type'],
      'target-type': PATTERN['target-type'],
      'runtime-parameters': drawn.map(({ parameters }) => parameters),
    },
    sets: drawn.map(({ set }) => set),
  };
}

function planSet(name: string, index: number, random: Random): { readonly set: PlannedSet; readonly parameters: JsonObject } {
  const set: PlannedSet = {
    target: `${name}/${index}.csv`,
    rows: random() < 0.1 ? whole(random, 20_000, 100_000) : whole(random, 1, 2_000),
    tag: `${name}/${index}`,
    fails: random() < 0.05,
  };
  // 0.2 to 2 s of one core.
  const work = random() < 0.03 ? whole(random, 10_000_000, 100_000_000) : 0;
  return { set, parameters: { TARGET: set.target, ROWS: set.rows, TAG: set.tag, FAILS: set.fails, WORK: work } };
}

const whole = (random: Random, least: number, most: number): number => least + Math.floor(random() * (most - least + 1));

function pick<Item>(random: Random, items: readonly Item[]): Item {
  const item = items[Math.floor(random() * items.length)];
  if (item === undefined) throw new Error('nothing to pick from');
  return item;
}

/**
 * What the console does, without a browser: where it is, what it has loaded, and when it looks again. Every answer that comes
 * after somebody has gone elsewhere is dropped.
 */
import { ApiError, ServiceUnreachable } from '#client/errors';
import { counted } from '#client/run-words';
import type { SluiceClient } from '#client/sluice-client';
import { hasEnded } from '#client/wait-for-run';
import { frame, titleOf, type Content, type Shown } from './frame.ts';
import { jobsPage } from './jobs-page.ts';
import type { Action, Message } from './messages.ts';
import { addressOf, placeOf, type Place } from './place.ts';
import type { Tree } from './tree.ts';

export type ConsoleClient = Pick<
  SluiceClient,
  'listRuns' | 'getRun' | 'listJobs' | 'getAnyJob' | 'listOutputs' | 'listHistory' | 'cancelRun' | 'retryRun'
>;

export interface Surroundings {
  readonly clientWith: (token: string | undefined) => ConsoleClient;
  /** Kept for as long as the tab is open, and nowhere else. */
  readonly token: { readonly read: () => string | undefined; readonly keep: (token: string | undefined) => void };
  readonly address: { readonly read: () => string; readonly push: (address: string) => void };
  readonly show: (tree: Tree, title: string) => void;
  readonly nowMs: () => number;
  /** A page that nobody sees asks nothing. */
  readonly isSeen: () => boolean;
}

export interface Console {
  /** At the start, and when the browser went back or forward. */
  arrive(): Promise<void>;
  receive(message: Message): Promise<void>;
  /** Every second: clocks go on, and what is followed is looked at again when it is time. */
  tick(): Promise<void>;
}

const RUNS_ON_A_PAGE = 50;
const HISTORY_ON_A_PAGE = 100;
const OUTPUTS_SHOWN = 100;
/** How old what is shown may become. Of a filter, which looks through many jobs, more. */
const AGE_MS = { runs: 10_000, run: 5_000, filtered: 20_000, job: 5_000 } as const;

const CHANGING: ReadonlySet<string> = new Set(['CREATED', 'RUNNING', 'INDEXING', 'RESET']);

type Change = { readonly [Name in keyof Shown]?: Shown[Name] | undefined };

export function webConsole(around: Surroundings): Console {
  let shown: Shown = {
    place: { kind: 'runs' },
    content: { kind: 'loading' },
    doing: { busy: false },
    follows: true,
    hasToken: false,
    nowMs: 0,
  };
  /** Counts the questions asked: an answer to an earlier one is of no interest. */
  let asked = 0;
  let isAsking = false;
  let triedMs = 0;

  const client = (): ConsoleClient => around.clientWith(around.token.read());

  function change(what: Change): void {
    const next = { ...shown, ...what, hasToken: around.token.read() !== undefined, nowMs: around.nowMs() };
    shown = Object.fromEntries(Object.entries(next).filter(([, value]) => value !== undefined)) as unknown as Shown;
    around.show(frame(shown), `${titleOf(shown.place)} · Sluice`);
  }

  /** What is shown stays while it is refreshed, and where that fails. */
  async function load({ anew }: { readonly anew: boolean }): Promise<void> {
    const mine = (asked += 1);
    const { place } = shown;
    triedMs = around.nowMs();
    if (place.kind === 'nowhere') return;
    isAsking = true;
    const content = await contentOf(client(), place).catch((error: unknown): Content => faultContent(error, around.token.read()));
    if (mine !== asked) return;
    isAsking = false;
    if (content.kind === 'problem' && !anew) {
      change({ notice: { tone: 'bad', text: `Not refreshed: ${content.text}` } });
      return;
    }
    // What was said about a failed refresh is over with the next that succeeds; what was done stays told.
    const recovered = shown.notice?.text.startsWith('Not refreshed: ') === true ? { notice: undefined } : {};
    change({ content, loadedMs: around.nowMs(), ...recovered });
  }

  async function go(place: Place): Promise<void> {
    change({ place, content: { kind: 'loading' }, doing: { busy: false }, notice: undefined, loadedMs: undefined });
    await load({ anew: true });
  }

  async function act(action: Action): Promise<void> {
    const { place } = shown;
    if (place.kind !== 'run' || shown.doing.busy) return;
    change({ doing: { asked: action, busy: true } });
    const notice = await DEEDS[action](client(), place.runId).then(
      (text) => ({ tone: 'good' as const, text }),
      (error: unknown) => ({ tone: 'bad' as const, text: textOf(error) }),
    );
    // Told wherever somebody has gone meanwhile.
    const isHere = shown.place.kind === 'run' && shown.place.runId === place.runId;
    change({
      notice: isHere ? notice : { ...notice, text: `${place.runId}: ${notice.text}` },
      ...(isHere ? { doing: { busy: false } } : {}),
    });
    if (isHere) await load({ anew: false });
  }

  return {
    arrive: () => go(placeOf(around.address.read())),
    async receive(message) {
      switch (message.kind) {
        case 'go':
          around.address.push(addressOf(message.place));
          return go(message.place);
        case 'sign-in':
          around.token.keep(message.token);
          return go(shown.place);
        case 'sign-out':
          around.token.keep(undefined);
          return go(shown.place);
        case 'refresh':
          return load({ anew: false });
        case 'follow': {
          change({ follows: message.on });
          return;
        }
        case 'ask': {
          change({ doing: { asked: message.action, busy: false }, notice: undefined });
          return;
        }
        case 'dismiss': {
          change({ doing: { busy: false, ...(shown.doing.asked ? { left: shown.doing.asked } : {}) } });
          return;
        }
        case 'confirm':
          return act(message.action);
      }
    },
    async tick() {
      if (!around.isSeen()) return;
      change({});
      const ageMs = oldestMs(shown);
      if (shown.follows && !isAsking && ageMs !== undefined && around.nowMs() - triedMs >= ageMs) await load({ anew: false });
    },
  };
}

/** Undefined where nothing changes any more, or nothing is shown. */
function oldestMs({ place, content }: Shown): number | undefined {
  switch (content.kind) {
    case 'runs':
      return AGE_MS.runs;
    case 'run':
      if (hasEnded(content.run)) return undefined;
      return place.kind === 'run' && place.jobState !== undefined ? AGE_MS.filtered : AGE_MS.run;
    case 'job':
      return CHANGING.has(content.told.job.state) ? AGE_MS.job : undefined;
    case 'loading':
    case 'token-needed':
    case 'problem':
      return undefined;
  }
}

async function contentOf(client: ConsoleClient, place: Exclude<Place, { readonly kind: 'nowhere' }>): Promise<Content> {
  switch (place.kind) {
    case 'runs': {
      const { kind: _kind, since: from, ...filter } = place;
      return { kind: 'runs', page: await client.listRuns({ ...filter, from, limit: RUNS_ON_A_PAGE }) };
    }
    case 'run': {
      const [run, page] = await Promise.all([client.getRun(place.runId, { cost: true }), jobsPage(client, place.runId, place)]);
      return { kind: 'run', run, page };
    }
    case 'job': {
      const { jobId, cursor } = place;
      const options = { limit: HISTORY_ON_A_PAGE, ...(cursor === undefined ? {} : { cursor }) };
      const [job, history] = await Promise.all([client.getAnyJob(jobId), client.listHistory(jobId, options)]);
      const told = 'kind' in job ? { job, outputs: await client.listOutputs(jobId, { limit: OUTPUTS_SHOWN }) } : { job };
      return { kind: 'job', told, history };
    }
  }
}

const DEEDS: Readonly<Record<Action, (client: ConsoleClient, runId: string) => Promise<string>>> = {
  async cancel(client, runId) {
    const { state, jobs } = await client.cancelRun(runId);
    return `The run is ${state}: ${counted(jobs.open, 'job is', 'jobs are')} being stopped.`;
  },
  async retry(client, runId) {
    const { attempt, 'job-ids': ids } = await client.retryRun(runId);
    return `Attempt ${attempt} has begun, of ${counted(ids.length, 'job')}.`;
  },
};

function faultContent(error: unknown, token: string | undefined): Content {
  if (error instanceof ApiError && error.is('not-authenticated')) return { kind: 'token-needed', refused: token !== undefined };
  return { kind: 'problem', text: textOf(error) };
}

/** The problem with its detail and every field that it names. */
function textOf(error: unknown): string {
  if (error instanceof ApiError) {
    const fields = error.errors.map(({ pointer, message }) => `${pointer} ${message}`);
    return [error.message, ...fields].join('; ');
  }
  if (error instanceof ServiceUnreachable) return 'The service does not answer.';
  return error instanceof Error ? error.message : String(error);
}

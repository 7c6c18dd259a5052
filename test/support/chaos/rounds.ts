/** The rounds: start, ask, kill, again and again on one data folder. What was answered is remembered as a caller would. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SluiceClient } from '#client/sluice-client';
import { hasEnded } from '#client/wait-for-run';
import { RunStarted, type RunView } from '#contract/views';
import { clientOf, processTree, startServiceProcess, type ServiceProcess } from '#test/support/service-process';
import { watchOutputs } from './outputs.ts';
import { PATTERN, TEMPLATE, TEMPLATE_ID, type PlannedKill, type PlannedRound, type PlannedRun } from './plan.ts';
import type { Violation } from './violations.ts';

/** What the callers know when the last round is over. */
export interface Asked {
  /** By user-run-id. */
  readonly accepted: Map<string, { readonly planned: PlannedRun; readonly runId: string }>;
  /** Sent, and no answer came. */
  readonly unanswered: Map<string, PlannedRun>;
  /** By run id: how it looked when it was first seen ended. What a reader was told must still hold after every kill. */
  readonly seenEnded: Map<string, RunView>;
  readonly violations: Violation[];
  readonly kills: PlannedKill[];
  lostAnswers: number;
  repeatedRequests: number;
}

export interface RoundsOptions {
  readonly dataDir: string;
  /** The bundle's `main.js`. */
  readonly main: string;
  readonly plan: readonly PlannedRound[];
  readonly tell: (line: string) => void;
}

/** Jobs under way, from which on a round first waits: the queue would only grow, and each kill loses all of it. */
const MOST_OPEN = 60;
const FEW_OPEN = 10;
const SETTLED_WITHIN_MS = 120_000;

export async function runRounds({ dataDir, main, plan, tell }: RoundsOptions): Promise<Asked> {
  const asked: Asked = {
    accepted: new Map(),
    unanswered: new Map(),
    seenEnded: new Map(),
    violations: [],
    kills: [],
    lostAnswers: 0,
    repeatedRequests: 0,
  };
  const watched = watchOutputs(join(dataDir, 'output'), plan);
  let service: ServiceProcess | undefined;
  const killLeft = (): void => {
    if (service) kill(service, 'all');
  };
  // Ctrl-C does not reach a process group of its own.
  process.once('exit', killLeft);
  try {
    for (const [index, round] of plan.entries()) {
      service = startServiceProcess({ dataDir, main, ownGroup: true });
      await oneRound(service, round, asked, index === 0);
      kill(service, round.kill.victim);
      asked.kills.push(round.kill);
      await service.ended;
      asked.violations.push(...watched.torn());
      if ((index + 1) % 10 === 0)
        tell(`round ${index + 1}: ${asked.accepted.size} runs accepted, ${asked.unanswered.size} without an answer`);
    }
  } finally {
    killLeft();
    process.off('exit', killLeft);
  }
  return asked;
}

async function oneRound(service: ServiceProcess, round: PlannedRound, asked: Asked, isFirst: boolean): Promise<void> {
  const { moment, afterMs } = round.kill;
  if (moment === 'start-up' && !isFirst) {
    await pause(afterMs);
    return;
  }
  const client = await clientOf(service);
  if (isFirst) {
    await client.putTemplate(TEMPLATE_ID, TEMPLATE);
    await client.putPattern(PATTERN);
  }
  await lookAround(client, asked);
  await settleSome(client, asked);
  for (const planned of round.runs) asked.unanswered.set(planned.request['user-run-id'], planned);
  const at = await answering(service);
  const answers = Promise.all([...asked.unanswered.values(), ...repeated(round, asked)].map((planned) => post(at, planned, asked)));
  if (moment === 'run') await answers;
  await pause(afterMs);
  if (moment !== 'request') return;
  // Only a kill ends what has no answer yet.
  kill(service, round.kill.victim);
  await answers;
}

function repeated({ repeats }: PlannedRound, { accepted }: Asked): readonly PlannedRun[] {
  const latest = [...accepted.values()].at(-1);
  return repeats && latest ? [latest.planned] : [];
}

/** A service that listens. */
export interface Answering {
  readonly url: string;
  readonly token: string;
}

async function answering({ url, dataDir }: ServiceProcess): Promise<Answering> {
  return { url: (await url) ?? '', token: readFileSync(join(dataDir, 'token'), 'utf8').trim() };
}

/** Once: whoever gets no answer asks again in the next round. */
export async function post(service: Answering, planned: PlannedRun, asked: Asked): Promise<void> {
  const name = planned.request['user-run-id'];
  const earlier = asked.accepted.get(name);
  if (earlier) asked.repeatedRequests += 1;
  const answer = await answerTo(service, planned).catch(() => undefined);
  if (answer === undefined) {
    asked.lostAnswers += 1;
    return;
  }
  if (answer.status === 503) return;
  const parsed = RunStarted.safeParse(answer.body);
  if ((answer.status !== 202 && answer.status !== 200) || !parsed.success) {
    asked.violations.push({ id: name, what: `its request was answered ${answer.status}: ${JSON.stringify(answer.body)}` });
    return;
  }
  const runId = parsed.data['run-id'];
  if (earlier && earlier.runId !== runId) asked.violations.push({ id: earlier.runId, what: `its request was answered by ${runId} later` });
  asked.accepted.set(name, { planned, runId });
  asked.unanswered.delete(name);
}

async function answerTo({ url, token }: Answering, { request }: PlannedRun): Promise<{ readonly status: number; readonly body: unknown }> {
  const response = await fetch(`${url}/v1/runs`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(request),
  });
  return { status: response.status, body: await response.json() };
}

/** As a reader who comes by now and then: the newest runs. */
async function lookAround(client: SluiceClient, { seenEnded }: Asked): Promise<void> {
  const { items } = await client.listRuns({ limit: 10 });
  for (const view of items) if (hasEnded(view) && !seenEnded.has(view['run-id'])) seenEnded.set(view['run-id'], view);
}

async function settleSome(client: SluiceClient, asked: Asked): Promise<void> {
  if ((await openJobs(client, asked)) <= MOST_OPEN) return;
  const until = performance.now() + SETTLED_WITHIN_MS;
  for (;;) {
    const open = await openJobs(client, asked);
    if (open <= FEW_OPEN) return;
    if (performance.now() > until) {
      asked.violations.push({ id: 'service', what: `${open} jobs are still open after ${SETTLED_WITHIN_MS / 1000} s without a kill` });
      return;
    }
    await pause(100);
  }
}

async function openJobs(client: SluiceClient, { accepted }: Asked): Promise<number> {
  let open = 0;
  for (const state of ['ACCEPTED', 'RUNNING'] as const) {
    for await (const run of client.runs({ state, limit: 500 })) open += run.jobs.open;
  }
  return accepted.size === 0 ? 0 : open;
}

function kill({ process: service }: ServiceProcess, victim: PlannedKill['victim']): void {
  const { pid } = service;
  if (pid === undefined) return;
  const pids = victim === 'process' ? [pid] : victim === 'group' ? [-pid] : processTree(pid);
  for (const each of pids) {
    try {
      process.kill(each, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

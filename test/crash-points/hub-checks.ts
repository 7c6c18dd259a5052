/**
 * What must hold between jobs and Control Hub's instances of them, whatever went wrong. Read from the simulator at rest: it knows of
 * every run of every instance when it began and ended.
 *
 * Two instances of one name may run at a time only where
 *   - Control Hub made two of one start (`twice`): the younger must have been stopped, and the fact told. Where Control Hub hung besides,
 *     it may have ended by itself before whoever stops it was answered; or
 *   - nobody could see the second at first: two of one start while searches are late or Control Hub is not to be asked. It may go on,
 *     and outlive its job, until searches show it: then it must be stopped, and the fact told, unless it has ended by itself; or
 *   - nobody can see it at all: a start whose answer was lost and that no search showed until its fence was over, nor long after. That
 *     is the risk that remains with a call that has no key.
 */
import { engineJobName } from '#domain/ids';
import { isTerminal, runAt, type JobStatusName } from '#hosts/control-hub-simulator/timeline';
import type { ControlHubSimulator } from '#hosts/control-hub-simulator/simulator';
import type { JobSeen, Seen } from '#test/simulation/commit-checks';
import type { CallSeen, HubOutcome, Outcome } from './fault-plan.ts';

export interface HubChecks {
  doubted(name: string, outcome: HubOutcome): void;
  noted(message: string, ids: Readonly<Record<string, string>>): void;
  problems(input: {
    readonly simulator: ControlHubSimulator;
    readonly seen: Seen;
    readonly removes: boolean;
    readonly calls: readonly CallSeen[];
    readonly nowMs: number;
  }): readonly string[];
  /** Told of so far. */
  excused(): Excused;
}

/** Names that had two instances at a time, or one that outlived them, for a reason that no client can help. */
export interface Excused {
  /** The second was stopped. */
  readonly stopped: string[];
  /** The second ended by itself. */
  readonly unseen: string[];
}

interface Span {
  readonly name: string;
  readonly id: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly wasStopped: boolean;
  /** Its last status. */
  readonly status: JobStatusName;
  readonly isRemoved: boolean;
}

/** By what their start met. */
const SEEN_DOUBLE: readonly HubOutcome[] = ['twice'];
const UNSEEN_AT_FIRST: readonly HubOutcome[] = ['twice-unseen'];
const UNSEEN_EVER: readonly HubOutcome[] = ['dropped-blind', 'dies-blind'];
/** Within this a second that searches show is stopped: a fence, and the looks after it; or once what else went wrong is over as well. */
const STOPPED_WITHIN_MS = { alone: 4 * 60_000, disturbed: 15 * 60_000 } as const;
/** Who stops a second is held up for as long as a call may hang, which is 20 s, and then asks anew within seconds. */
const HELD_UP_MS = 30_000;
/** What any call met, of this start or another, that keeps whoever looks for two instances of one from seeing them. */
const BLINDING: readonly Outcome[] = [
  'index-late',
  'dropped-unseen',
  'dies-unseen',
  'twice-unseen',
  'dropped-blind',
  'dies-blind',
  '429-long',
];

export function hubChecks(): HubChecks {
  const doubts = new Map<string, HubOutcome[]>();
  const told: string[] = [];
  const excused: Excused = { stopped: [], unseen: [] };
  const toldStopped = new Set<string>();
  let isBlinded = false;
  let isBlindForGood = false;
  let hasDied = false;
  const hasMet = (name: string, outcomes: readonly HubOutcome[]): boolean =>
    (doubts.get(name) ?? []).some((outcome) => outcomes.includes(outcome));
  const isUnseenEver = (name: string): boolean =>
    // While no search shows anything, any start whose answer is lost is one of these: by what it met itself, or with who made it.
    hasMet(name, UNSEEN_EVER) || (isBlindForGood && (hasDied || doubts.has(name)));
  const isUnseen = (name: string): boolean =>
    isUnseenEver(name) || hasMet(name, UNSEEN_AT_FIRST) || (isBlinded && hasMet(name, SEEN_DOUBLE));

  /** Second instances that went on although searches showed them. */
  function unstopped(spans: readonly Span[], followed: ReadonlySet<string>, withinMs: number): readonly string[] {
    return spans
      .filter(({ name, id }) => isUnseen(name) && !isUnseenEver(name) && !followed.has(id))
      .flatMap(({ name, id, fromMs, toMs, wasStopped }) => {
        if (toMs - fromMs > withinMs) return [`${id}, a second instance of ${name}, ran for ${(toMs - fromMs) / 1000} s`];
        return wasStopped && !toldStopped.has(id) ? [`${id}, a second instance of ${name}, was stopped, and nobody was told`] : [];
      });
  }

  function doubled(spans: readonly Span[], hasHung: boolean): readonly string[] {
    return [...new Set(spans.map(({ name }) => name))].flatMap((name) => {
      const own = spans.filter((span) => span.name === name).toSorted((a, b) => a.fromMs - b.fromMs || (a.id < b.id ? -1 : 1));
      const overlapping = own.filter((span, place) => own.slice(0, place).some((before) => before.toMs > span.fromMs));
      if (overlapping.length === 0) return [];
      if (isUnseen(name)) {
        (own.some(({ id }) => toldStopped.has(id)) ? excused.stopped : excused.unseen).push(name);
        return [];
      }
      if (!hasMet(name, SEEN_DOUBLE)) return [`${name} ran ${overlapping.length + 1} times at once`];
      excused.stopped.push(name);
      const hasEndedBefore = hasHung && overlapping.every(({ fromMs, toMs }) => toMs - fromMs <= HELD_UP_MS);
      return [
        ...(hasEndedBefore || own.some(({ wasStopped }) => wasStopped)
          ? []
          : [`${name} ran twice at once, and no instance of it was stopped`]),
        ...(told.some((note) => note.includes('two instances')) ? [] : [`${name} ran twice at once, and nobody was told`]),
      ];
    });
  }

  return {
    doubted(name, outcome) {
      doubts.set(name, [...(doubts.get(name) ?? []), outcome]);
    },
    noted(message, { stopped }) {
      told.push(message);
      if (stopped !== undefined) toldStopped.add(stopped);
    },
    excused: () => excused,
    problems({ simulator, seen, removes, calls, nowMs }) {
      const met = calls.flatMap(({ outcome }) => outcome ?? []);
      isBlinded = met.some((outcome) => BLINDING.includes(outcome));
      isBlindForGood = met.some((outcome) => UNSEEN_EVER.some((each) => each === outcome));
      hasDied = met.some((outcome) => /^(?:crash|dies)-/.test(outcome));
      simulator.settle();
      const spans = spansOf(simulator, nowMs);
      const left = outliving(spans, [...seen.jobs.values()]);
      excused.unseen.push(...left.filter(({ name, id }) => isUnseen(name) && !toldStopped.has(id)).map(({ name }) => name));
      const followed = new Set([...seen.jobs.values()].flatMap(({ job }) => job.start.engineJobId ?? []));
      const withinMs = met.length > 1 ? STOPPED_WITHIN_MS.disturbed : STOPPED_WITHIN_MS.alone;
      const duties = spans
        .filter(({ name }) => !hasMet(name, [...SEEN_DOUBLE, ...UNSEEN_AT_FIRST, ...UNSEEN_EVER]))
        .flatMap((span) => neglected(span, removes));
      return [
        ...doubled(spans, met.includes('hangs')),
        ...unstopped(spans, followed, withinMs),
        ...duties,
        ...left.filter(({ name }) => !isUnseen(name)).map(({ problem }) => problem),
      ];
    },
  };
}

function spansOf({ hub }: ControlHubSimulator, nowMs: number): readonly Span[] {
  return [...hub.jobs.values()].flatMap((job) =>
    job.runs.flatMap((run) => {
      const view = runAt(run, nowMs);
      if (!view) return [];
      const end = view.history.find(({ status }) => isTerminal(status));
      const wasStopped = run.interventions.some(({ kind }) => kind !== 'acknowledge');
      const [name = ''] = job.definition.rawJobTags;
      return [
        {
          name,
          id: job.id,
          fromMs: run.startedMs,
          toMs: end?.atMs ?? Infinity,
          wasStopped,
          status: view.phase.status,
          isRemoved: job.deletedMs !== null,
        },
      ];
    }),
  );
}

function neglected({ name, status, isRemoved }: Span, removes: boolean): readonly string[] {
  return [
    ...(status === 'INACTIVE_ERROR' ? [`the failure of ${name} was not acknowledged`] : []),
    ...(removes && !isRemoved ? [`${name} was not removed`] : []),
  ];
}

/** An attempt ends when its instances have: nothing runs on that no job stands for. */
function outliving(spans: readonly Span[], jobs: readonly JobSeen[]): readonly Outliving[] {
  const ends = new Map(
    jobs.flatMap(({ job, history }) =>
      history
        .filter(({ name }) => name === 'finish' || name === 'fail')
        .map(({ attempt, at }) => [String(engineJobName(job, attempt)), Date.parse(at)] as const),
    ),
  );
  return spans.flatMap(({ name, id, toMs }) => {
    const endedMs = ends.get(name);
    if (endedMs === undefined) return [{ name, id, problem: `${id} is an instance of ${name}, which never ended` }];
    if (toMs <= endedMs) return [];
    return [{ name, id, problem: `${id}, an instance of ${name}, ran for ${(toMs - endedMs) / 1000} s after its attempt had ended` }];
  });
}

interface Outliving {
  readonly name: string;
  readonly id: string;
  readonly problem: string;
}

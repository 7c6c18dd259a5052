/**
 * Task state `PlanRun` of run.asl.json: finds or accepts the run that an execution is to drive, claims it, makes its jobs
 * and starts its watch loop. The one code path of all three ways in: an accepted run, a request typed into the console, a
 * schedule (design §4).
 */
import { Fault } from '#domain/faults';
import type { RunId } from '#domain/ids';
import { isFinal, type Run } from '#domain/run';
import type { Template } from '#domain/template';
import { limitsOf } from './admit-jobs.ts';
import { changeRun } from './change-run.ts';
import { expandRun } from './expand-run.ts';
import type { Ports } from './ports.ts';
import { acceptRun, type StartRun } from './start-run.ts';

export type PlanRun = { readonly execution: string } & (
  { readonly kind: 'accepted'; readonly runId: RunId } | { readonly kind: 'request'; readonly request: Omit<StartRun, 'requestedBy'> }
);

export type PlanRunOutcome =
  | {
      readonly kind: 'planned';
      readonly run: Run;
      readonly maxParallel: number;
      /** Of the jobs that this attempt is about; absent for all. */
      readonly indexes?: readonly number[];
    }
  | { readonly kind: 'nothing-to-do' }
  /** Another execution drives the run, or it has ended: there is nothing to do here. */
  | { readonly kind: 'already-driven'; readonly run: Run };

type Needs = Omit<Ports, 'engines'>;

export async function planRun(ports: Needs, input: PlanRun): Promise<PlanRunOutcome> {
  const found = input.kind === 'accepted' ? await loadRun(ports, input.runId) : await acceptedHere(ports, input.request);
  if (!found) return { kind: 'nothing-to-do' };
  if (isFinal(found)) return { kind: 'already-driven', run: found };
  const claimed = await changeRun(ports, found, (latest) =>
    latest.execution === undefined
      ? { execution: input.execution, state: latest.state === 'ACCEPTED' ? 'RUNNING' : latest.state }
      : undefined,
  );
  // A run that is being closed starts nothing more: ticks bring it to its end.
  if (claimed.execution !== input.execution || claimed.closing !== undefined) return { kind: 'already-driven', run: claimed };
  const template = await ports.catalog.template(claimed.templateId, claimed.templateVersion);
  if (!template) throw new Fault('Vanished', `version ${claimed.templateVersion} of ${claimed.templateId} is gone`);
  // Before the jobs are made: should this die in their midst for good, there is a loop to end the run.
  await ports.orchestrator.startWatch(claimed, firstDelaySeconds(ports, template));
  const run = await expandRun(ports, claimed);
  const retry = run.attempt > 1 ? await ports.runs.retry(run) : undefined;
  return { kind: 'planned', run, maxParallel: template.limits.maxParallel, ...(retry ? { indexes: retry.indexes } : {}) };
}

/** Where the tick gives the slots, nothing starts before the first one. */
function firstDelaySeconds({ policy }: Needs, template: Template): number {
  return limitsOf(policy, template).length > 0 ? Math.min(1, policy.pollFloorSeconds) : policy.pollFloorSeconds;
}

async function loadRun(ports: Needs, id: RunId): Promise<Run> {
  const run = await ports.runs.load(id);
  if (!run) throw new Fault('RunRefused', `there is no run ${id}`);
  return run;
}

/** Undefined: every set of the request has succeeded already, so there is no run. */
async function acceptedHere(ports: Needs, request: Omit<StartRun, 'requestedBy'>): Promise<Run | undefined> {
  const outcome = await acceptRun(ports, { ...request, requestedBy: 'step-functions' });
  switch (outcome.kind) {
    case 'started':
    case 'replayed':
      // As it is stored: where its sets lie is known only since they were written.
      return loadRun(ports, outcome.run.id);
    case 'all-skipped':
      return undefined;
    case 'plan-changed':
      throw new Fault('RunRefused', 'the plan that was made for this request no longer holds');
    case 'in-progress':
      throw new Fault('StoreBusy', 'the same request is being accepted by another caller');
    case 'key-reused':
      throw new Fault('RunRefused', `user-run-id ${request.userRunId} was used by ${outcome.earlier.runId} with another body`);
    case 'no-pattern':
      throw new Fault('RunRefused', `no pattern for ${request.sourceType} to ${request.targetType}`);
    case 'no-template':
      throw new Fault('RunRefused', `the pattern names ${outcome.templateId}, which does not exist`);
    case 'invalid-sets': {
      const told = outcome.problems.slice(0, 20).map(({ index, pointer, message }) => `/runtime-parameters/${index}${pointer} ${message}`);
      throw new Fault('RunRefused', `${outcome.total} invalid parameters: ${told.join('; ')}`);
    }
  }
}

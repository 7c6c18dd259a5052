/**
 * Task state `PlanRun` of run.asl.json: finds or accepts the run that an execution is to drive, claims it, makes its jobs
 * and starts its watch loop. The one code path of all three ways in: an accepted run, a request typed into the console, a
 * schedule (design §4).
 */
import { Fault } from '#domain/faults';
import type { RunId } from '#domain/ids';
import { isFinal, type Run } from '#domain/run';
import { changeRun } from './change-run.ts';
import { expandRun } from './expand-run.ts';
import type { Ports } from './ports.ts';
import { acceptRun, type StartRun } from './start-run.ts';

export type PlanRun = { readonly execution: string } & (
  { readonly kind: 'accepted'; readonly runId: RunId } | { readonly kind: 'request'; readonly request: Omit<StartRun, 'requestedBy'> }
);

export type PlanRunOutcome =
  | { readonly kind: 'planned'; readonly run: Run; readonly maxParallel: number }
  /** Another execution drives the run, or it has ended: there is nothing to do here. */
  | { readonly kind: 'already-driven'; readonly run: Run };

type Needs = Omit<Ports, 'engines'>;

export async function planRun(ports: Needs, input: PlanRun): Promise<PlanRunOutcome> {
  const found = input.kind === 'accepted' ? await loadRun(ports, input.runId) : await acceptedHere(ports, input.request);
  if (isFinal(found)) return { kind: 'already-driven', run: found };
  const claimed = await changeRun(ports, found, (latest) =>
    latest.execution === undefined
      ? { execution: input.execution, state: latest.state === 'ACCEPTED' ? 'RUNNING' : latest.state }
      : undefined,
  );
  if (claimed.execution !== input.execution) return { kind: 'already-driven', run: claimed };
  const run = await expandRun(ports, claimed);
  await ports.orchestrator.startWatch(run.id, run.attempt, ports.policy.pollFloorSeconds);
  const template = await ports.catalog.template(run.templateId, run.templateVersion);
  if (!template) throw new Fault('Vanished', `version ${run.templateVersion} of ${run.templateId} is gone`);
  return { kind: 'planned', run, maxParallel: template.limits.maxParallel };
}

async function loadRun(ports: Needs, id: RunId): Promise<Run> {
  const run = await ports.runs.load(id);
  if (!run) throw new Fault('RunRefused', `there is no run ${id}`);
  return run;
}

async function acceptedHere(ports: Needs, request: Omit<StartRun, 'requestedBy'>): Promise<Run> {
  const outcome = await acceptRun(ports, { ...request, requestedBy: 'step-functions' });
  switch (outcome.kind) {
    case 'started':
    case 'replayed':
      // As it is stored: where its sets lie is known only since they were written.
      return loadRun(ports, outcome.run.id);
    case 'in-progress':
      throw new Fault('StoreBusy', 'the same request is being accepted by another caller');
    case 'key-reused':
      throw new Fault('RunRefused', `user-run-id ${request.userRunId} was used by ${outcome.earlier.runId} with another body`);
    case 'no-pattern':
      throw new Fault('RunRefused', `no pattern for ${request.sourceType} to ${request.targetType}`);
    case 'no-template':
      throw new Fault('RunRefused', `the pattern names ${outcome.pattern.templateId}, which does not exist`);
    case 'invalid-sets': {
      const told = outcome.problems.slice(0, 20).map(({ index, pointer, message }) => `/runtime-parameters/${index}${pointer} ${message}`);
      throw new Fault('RunRefused', `${outcome.total} invalid parameters: ${told.join('; ')}`);
    }
  }
}

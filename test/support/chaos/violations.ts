/** What must hold of the evidence, whatever was killed when. Pure: each rule can be tested by evidence that breaks it. */
import { contradictions } from '#test/support/recorded-once';
import type { Evidence, ExecutionEvidence, JobEvidence, RunEvidence } from './evidence.ts';
import { damage } from './outputs.ts';
import { LOST_RETRIES } from './plan.ts';

export interface Violation {
  /** Of the run, job, output or execution that is not as it must be. */
  readonly id: string;
  readonly what: string;
}

export function violations(evidence: Evidence): readonly Violation[] {
  return [
    ...evidence.runs.flatMap((run) => [...ofRun(run), ...run.jobs.flatMap((job) => ofJob(job, run, evidence.outputs))]),
    ...ofList(evidence),
    ...ofOutputs(evidence),
    ...ofExecutions(evidence),
  ];
}

/** What an ended run stays. Its engine jobs may be looked after a little longer, which it says. */
function ending({ collecting: _duties, 'updated-at': _written, ...stays }: RunEvidence['view']): object {
  return stays;
}

function ofRun({ planned, view, seenEnded, jobs, metricsOf }: RunEvidence): readonly Violation[] {
  const id = view['run-id'];
  const found: string[] = [];
  if (view['finished-at'] === undefined) found.push(`has not ended: ${view.state}, ${JSON.stringify(view.jobs)}`);
  if (seenEnded && JSON.stringify(ending(seenEnded)) !== JSON.stringify(ending(view)))
    found.push(`was seen ended as ${JSON.stringify(seenEnded)}, and is now otherwise`);
  if (jobs.length !== planned.sets.length) found.push(`has ${jobs.length} jobs for ${planned.sets.length} sets`);
  const finished = jobs.filter(({ job }) => job.state === 'FINISHED').length;
  const counts = { total: jobs.length, finished, failed: jobs.length - finished, cancelled: 0, open: 0 };
  if (JSON.stringify(view.jobs) !== JSON.stringify(counts))
    found.push(`counts ${JSON.stringify(view.jobs)}, its jobs ${JSON.stringify(counts)}`);
  const written = jobs.reduce((sum, { job }) => sum + (job.metrics?.['output-record-count'] ?? 0), 0);
  if (view.records.output !== written) found.push(`counts ${view.records.output} records written, its jobs ${written}`);
  const ids = jobs.map(({ job }) => job['job-id']);
  if (metricsOf.toSorted().join() !== ids.toSorted().join()) found.push(`has ${metricsOf.length} rows of metrics for ${ids.length} jobs`);
  return found.map((what) => ({ id, what }));
}

function ofJob({ job, history }: JobEvidence, { planned }: RunEvidence, outputs: Evidence['outputs']): readonly Violation[] {
  const set = planned.sets[job.index];
  if (!set) return [{ id: job['job-id'], what: `is of set ${job.index}, which nobody asked for` }];
  const found = [...contradictions(job, history)];
  const output = outputs.get(set.target);
  if (job.state === 'FINISHED') {
    if (set.fails) found.push('has finished, although its SQL ends in an error');
    if (job.metrics?.['output-record-count'] !== set.rows)
      found.push(`says that it wrote ${job.metrics?.['output-record-count'] ?? 'no'} records of ${set.rows}`);
    if (output === undefined) found.push(`has finished without its output ${set.target}`);
  } else {
    const wasLost = job.failure?.reason === 'lost' && job.attempt === LOST_RETRIES + 1;
    const wasPlanned = set.fails && job.failure?.reason === 'engine-error';
    if (!wasLost && !wasPlanned) found.push(`has failed at attempt ${job.attempt}: ${JSON.stringify(job.failure)}`);
    if (set.fails && output !== undefined) found.push(`has failed, and left an output`);
  }
  const damaged = output && damage(set, output);
  if (damaged !== undefined) found.push(damaged);
  return found.map((what) => ({ id: job['job-id'], what }));
}

function ofList({ runs, listed }: Evidence): readonly Violation[] {
  const known = new Set(runs.map(({ view }) => view['run-id']));
  const unknown = listed.filter((id) => !known.has(id)).map((id) => ({ id, what: 'is a run that no caller was told of' }));
  const missing = [...known].filter((id) => !listed.includes(id)).map((id) => ({ id, what: 'was accepted and is in no list' }));
  return [...unknown, ...missing];
}

function ofOutputs({ runs, outputs }: Evidence): readonly Violation[] {
  const targets = new Set(runs.flatMap(({ planned }) => planned.sets.map(({ target }) => target)));
  return [...outputs.keys()].filter((name) => !targets.has(name)).map((id) => ({ id, what: 'was left in the output root' }));
}

function ofExecutions({ runs, executions }: Evidence): readonly Violation[] {
  const ended = executions
    .filter(({ status }) => status !== 'SUCCEEDED')
    .map(({ arn, status }) => ({ id: arn, what: `is ${status}; a partly failed run is a succeeded execution` }));
  const driven = new Map(runs.map(({ view }) => [`${view['run-id']}-a1`, view['run-id']]));
  const strange = executions
    .filter(({ machine, name }) => machine === 'run' && !driven.has(name))
    .map(({ arn }) => ({ id: arn, what: 'drives no run that was asked for' }));
  return [...ended, ...strange, ...runs.flatMap((run) => ofDriver(run, executions))];
}

function ofDriver({ view, jobs }: RunEvidence, executions: readonly ExecutionEvidence[]): readonly Violation[] {
  const id = view['run-id'];
  const drivers = executions.filter(({ machine, name }) => machine === 'run' && name === `${id}-a1`);
  if (drivers.length !== 1) return [{ id, what: `has ${drivers.length} executions` }];
  const children = executions.filter(({ parent }) => parent === `${id}-a1`);
  const expected = jobs.length > INLINE_MOST ? jobs.length : 0;
  return children.length === expected ? [] : [{ id, what: `has ${children.length} child executions instead of ${expected}` }];
}

/** `FewOrMany` of run.asl.json. */
const INLINE_MOST = 40;

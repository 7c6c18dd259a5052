/**
 * Makes the jobs that the current attempt of a run is about: one of every accepted set, or, for a retry, those it selected
 * ready again. May be repeated at any point: jobs that are there are left as they are.
 */
import { Fault } from '#domain/faults';
import { createdJob, isSettled, type Job } from '#domain/job';
import { applied } from '#domain/job-change';
import type { JsonObject } from '#domain/json';
import { effectiveParameters, identityOf, searchText } from '#domain/parameters';
import type { Run } from '#domain/run';
import type { Template, TemplateBody } from '#domain/template';
import { changeRun } from './change-run.ts';
import type { Digest, NewJob, Ports } from './ports.ts';

type Needs = Pick<Ports, 'clock' | 'digest' | 'catalog' | 'runs' | 'jobs'>;

/** Bounds how many jobs are in memory with their parameters, and how long a small run waits for the table behind a large one. */
const AT_ONCE = 250;

export async function expandRun(ports: Needs, run: Run): Promise<Run> {
  if (run.plannedAt !== undefined) return run;
  await (run.attempt === 1 ? createJobs(ports, run) : readyJobs(ports, run));
  return changeRun(ports, run, (latest) =>
    latest.plannedAt === undefined && latest.attempt === run.attempt ? { plannedAt: ports.clock.now() } : undefined,
  );
}

async function createJobs(ports: Needs, run: Run): Promise<void> {
  const template = await templateOf(ports, run);
  const searchable: Searchable = new Map();
  for (let from = 0; from < run.count; from += AT_ONCE) {
    const sets = await ports.runs.sets(run, from, Math.min(run.count, from + AT_ONCE));
    const jobs = sets.map((set, offset): NewJob => {
      const ref = { runId: run.id, index: from + offset };
      const parameters = effectiveParameters(template, set);
      noteSearchable(searchable, template.searchable, parameters.values);
      const setKey = setKeyOf(ports.digest, template, set);
      // Of the request: whoever makes the job, and however often, makes the same one.
      return { ...createdJob(ref, run.createdAt, run.requestedBy), parameters, setKey, templateId: template.id };
    });
    await ports.jobs.create(jobs, run.count);
  }
  await ports.runs.addSearchable(run, [...searchable.values()]);
}

async function templateOf(ports: Needs, run: Run): Promise<Template> {
  const template = await ports.catalog.template(run.templateId, run.templateVersion);
  if (!template) throw new Fault('Vanished', `version ${run.templateVersion} of ${run.templateId} is gone`);
  return template;
}

const ROUNDS = 5;

async function readyJobs(ports: Needs, run: Run): Promise<void> {
  const retry = await ports.runs.retry(run);
  if (!retry) throw new Fault('Vanished', `what attempt ${run.attempt} of ${run.id} is about is gone`);
  const caredFor = new Set((await ports.jobs.open(run)).map(({ index }) => index));
  for (let from = 0; from < retry.indexes.length; from += AT_ONCE) {
    const indexes = retry.indexes.slice(from, from + AT_ONCE);
    let waiting: readonly Job[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const jobs = await ports.jobs.loadSome(run, indexes);
      waiting = jobs.filter((job) => job.runAttempt < run.attempt && isSettled(job));
      if (waiting.length === 0) break;
      const at = ports.clock.now();
      const events = (['reset', 'ready'] as const).map((name) => ({ name, at, actor: retry.requestedBy, runAttempt: run.attempt }));
      await ports.jobs.save(
        waiting.map((job) => ({ ...applied(caredFor.has(job.index) ? job : withoutCare(job), events), before: job })),
        run.count,
      );
    }
    if (waiting.length > 0) throw new Fault('StoreBusy', `jobs of ${run.id} were changed by others ${ROUNDS} times in a row`);
  }
}

/** A settled job without an open row has been looked after: its last duty went with the row, and the item still names it. */
function withoutCare(job: Job): Job {
  const { aftercare: _done, ...kept } = job;
  return kept;
}

/** 128 bits: no two sets of a template share a key by chance. */
const SET_KEY_LENGTH = 32;

/** Which set of its template this is, whatever run it is in. */
export function setKeyOf(digest: Digest, template: TemplateBody, set: JsonObject): string {
  return digest(identityOf(template, set)).slice(0, SET_KEY_LENGTH);
}

type Searchable = Map<string, { readonly key: string; readonly text: string }>;

function noteSearchable(searchable: Searchable, keys: readonly string[], values: JsonObject): void {
  for (const key of keys) {
    if (!Object.hasOwn(values, key)) continue;
    const text = searchText(values[key] ?? null);
    searchable.set(`${key}=${text}`, { key, text });
  }
}

/** Makes a job of every accepted set. May be repeated at any point: jobs that exist are left as they are. */
import { Fault } from '#domain/faults';
import { createdJob } from '#domain/job';
import type { JsonObject } from '#domain/json';
import { effectiveParameters, identityOf, searchText } from '#domain/parameters';
import type { Run } from '#domain/run';
import { changeRun } from './change-run.ts';
import type { NewJob, Ports } from './ports.ts';

type Needs = Pick<Ports, 'clock' | 'digest' | 'catalog' | 'runs' | 'jobs'>;

/** Bounds how many jobs are in memory with their parameters. */
const AT_ONCE = 1000;

export async function expandRun(ports: Needs, run: Run): Promise<Run> {
  if (run.plannedAt !== undefined) return run;
  const template = await ports.catalog.template(run.templateId, run.templateVersion);
  if (!template) throw new Fault('Vanished', `version ${run.templateVersion} of ${run.templateId} is gone`);
  const searchable: Searchable = new Map();
  for (let from = 0; from < run.count; from += AT_ONCE) {
    const sets = await ports.runs.sets(run, from, Math.min(run.count, from + AT_ONCE));
    const jobs = sets.map((set, offset): NewJob => {
      const ref = { runId: run.id, index: from + offset };
      const parameters = effectiveParameters(template, set);
      noteSearchable(searchable, template.searchable, parameters.values);
      const setKey = ports.digest(identityOf(template, set)).slice(0, SET_KEY_LENGTH);
      return { ...createdJob(ref, ports.clock.now(), run.requestedBy), parameters, setKey, templateId: template.id };
    });
    await ports.jobs.create(jobs, run.count);
  }
  await ports.runs.addSearchable(run, [...searchable.values()]);
  return changeRun(ports, run, (latest) => (latest.plannedAt === undefined ? { plannedAt: ports.clock.now() } : undefined));
}

/** 128 bits: no two sets of a template share a key by chance. */
const SET_KEY_LENGTH = 32;

type Searchable = Map<string, { readonly key: string; readonly text: string }>;

function noteSearchable(searchable: Searchable, keys: readonly string[], values: JsonObject): void {
  for (const key of keys) {
    if (!Object.hasOwn(values, key)) continue;
    const text = searchText(values[key] ?? null);
    searchable.set(`${key}=${text}`, { key, text });
  }
}

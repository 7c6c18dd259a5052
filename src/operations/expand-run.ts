/** Makes a job of every accepted set. May be repeated at any point: jobs that exist are left as they are. */
import { Fault } from '#domain/faults';
import { createdJob } from '#domain/job';
import { effectiveParameters } from '#domain/parameters';
import type { Run } from '#domain/run';
import { changeRun } from './change-run.ts';
import type { NewJob, Ports } from './ports.ts';

type Needs = Pick<Ports, 'clock' | 'catalog' | 'runs' | 'jobs'>;

/** Bounds how many jobs are in memory with their parameters. */
const AT_ONCE = 1000;

export async function expandRun(ports: Needs, run: Run): Promise<Run> {
  if (run.plannedAt !== undefined) return run;
  const template = await ports.catalog.template(run.templateId, run.templateVersion);
  if (!template) throw new Fault('Vanished', `version ${run.templateVersion} of ${run.templateId} is gone`);
  for (let from = 0; from < run.count; from += AT_ONCE) {
    const sets = await ports.runs.sets(run, from, Math.min(run.count, from + AT_ONCE));
    const jobs = sets.map((set, offset): NewJob => {
      const ref = { runId: run.id, index: from + offset };
      return { ...createdJob(ref, ports.clock.now(), run.requestedBy), parameters: effectiveParameters(template, set) };
    });
    await ports.jobs.create(jobs, run.count);
  }
  return changeRun(ports, run, (latest) => (latest.plannedAt === undefined ? { plannedAt: ports.clock.now() } : undefined));
}

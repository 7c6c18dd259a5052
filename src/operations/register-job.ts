/**
 * Registers a job that runs elsewhere. Its id follows from what it is about, so that the same request again attaches to the
 * same job and changes nothing, but says what of it is not as was asked for; its token is in the answer to the first request alone.
 */
import { Fault } from '#domain/faults';
import { type ReportedJobId } from '#domain/ids';
import type { JsonObject } from '#domain/json';
import { archivePath, pipelineUuid, reportedJobId, type JobContent } from '#domain/reported-ids';
import {
  broughtBack,
  registeredJob,
  type JobDefinition,
  type Registration,
  type ReportedJob,
  type ReportLimits,
} from '#domain/reported-job';
import { newJobToken, type IssuedToken } from './job-tokens.ts';
import type { Ports } from './ports.ts';

export interface RegisterJob {
  /** A typed UUID, or a name that stands for one. */
  readonly pipeline: string;
  /** Typed UUIDs, in any order. */
  readonly parents: readonly string[];
  readonly data: JsonObject;
  readonly archivePrefix?: string;
  readonly archivePatterns?: readonly string[];
  readonly limits: ReportLimits;
  readonly requestedBy: string;
}

export type RegisterOutcome =
  | { readonly kind: 'registered'; readonly job: ReportedJob; readonly definition: JobDefinition; readonly issued: IssuedToken }
  | {
      readonly kind: 'attached';
      readonly job: ReportedJob;
      readonly definition: JobDefinition;
      /** What the request asked for, and the job was registered with otherwise: it stays as it is. */
      readonly notTakenOver: readonly Wish[];
    }
  | { readonly kind: 'deleted'; readonly job: ReportedJob; readonly definition: JobDefinition };

/** What a request says of a job beside what it is about. */
export type Wish = 'archivePrefix' | 'archivePatterns' | keyof ReportLimits;

type Needs = Pick<Ports, 'clock' | 'reportedJobs' | 'tokenSecrets' | 'sha1' | 'jobPolicy'>;

const ATTEMPTS = 5;

export async function registerJob(ports: Needs, request: RegisterJob): Promise<RegisterOutcome> {
  const { sha1 } = ports;
  const { limits, requestedBy: by } = request;
  const parents = [...new Set(request.parents)].toSorted();
  const content: JobContent = { pipeline: pipelineUuid(sha1, request.pipeline), parents, data: request.data };
  const id = reportedJobId(sha1, content);
  const definition: JobDefinition = {
    data: request.data,
    archivePath: archivePath(sha1, content, request.archivePrefix),
    ...(request.archivePatterns ? { archivePatterns: request.archivePatterns } : {}),
    registeredBy: by,
  };
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const at = ports.clock.now();
    const registration: Registration = { id, pipeline: content.pipeline, pipelineName: request.pipeline, parents, limits, at, by };
    const found = await ports.reportedJobs.load(id);
    const outcome = found
      ? await attached(ports, found, registration, { request, definition })
      : await created(ports, registration, definition);
    if (outcome) return outcome;
  }
  throw new Fault('StoreBusy', `${id} was changed by others ${ATTEMPTS} times in a row`);
}

async function created(ports: Needs, registration: Registration, definition: JobDefinition): Promise<RegisterOutcome | undefined> {
  const { job, entry } = registeredJob(registration);
  const issued = newJobToken(ports, job, { by: registration.by });
  const made = await ports.reportedJobs.create({ job, entry, definition, token: issued.token });
  return made === 'created' ? { kind: 'registered', job, definition, issued } : undefined;
}

interface Asked {
  readonly request: RegisterJob;
  /** That it makes of a job that there was not before. */
  readonly definition: JobDefinition;
}

/** What was withdrawn is registered anew: by this request, whatever the one before it said. */
async function attached(
  ports: Needs,
  job: ReportedJob,
  registration: Registration,
  { request, definition }: Asked,
): Promise<RegisterOutcome | undefined> {
  if (job.deleted || !job.withdrawn) {
    const kept = await definitionOf(ports, job.id);
    if (job.deleted) return { kind: 'deleted', job, definition: kept };
    return { kind: 'attached', job, definition: kept, notTakenOver: notTakenOver(request, definition, { job, kept }) };
  }
  const back = broughtBack(job, registration);
  if (back.kind === 'refused') throw new Fault('CorruptItem', `${job.id} was withdrawn in ${job.state}`);
  const issued = newJobToken(ports, back.job, { by: registration.by });
  const change = { before: job, after: back.job, entries: [back.entry], token: issued.token, definition };
  const saved = await ports.reportedJobs.save(change);
  return saved.kind === 'saved' ? { kind: 'registered', job: saved.job, definition, issued } : undefined;
}

/** What was not asked for is whatever the job has. */
function notTakenOver(
  { archivePrefix, archivePatterns, limits }: RegisterJob,
  asked: JobDefinition,
  { job, kept }: { readonly job: ReportedJob; readonly kept: JobDefinition },
): readonly Wish[] {
  const { expectUpdateWithinSeconds: within, deadline } = limits;
  const differs: Readonly<Record<Wish, boolean>> = {
    archivePrefix: archivePrefix !== undefined && asked.archivePath !== kept.archivePath,
    archivePatterns: archivePatterns !== undefined && !areSame(archivePatterns, kept.archivePatterns ?? []),
    expectUpdateWithinSeconds: within !== undefined && within !== job.limits.expectUpdateWithinSeconds,
    deadline: deadline !== undefined && deadline !== job.limits.deadline,
  };
  return (Object.keys(differs) as readonly Wish[]).filter((wish) => differs[wish]);
}

/** One of them is to match: their order says nothing. */
function areSame(one: readonly string[], other: readonly string[]): boolean {
  return JSON.stringify([...new Set(one)].toSorted()) === JSON.stringify([...new Set(other)].toSorted());
}

export async function definitionOf({ reportedJobs }: Pick<Ports, 'reportedJobs'>, id: ReportedJobId): Promise<JobDefinition> {
  const definition = await reportedJobs.definition(id);
  if (!definition) throw new Fault('Vanished', `${id} has no definition`);
  return definition;
}

/**
 * Every key of the table. Names that callers choose are percent-encoded, so that no value can reach into another key.
 *
 *   question                                            partition                     sort
 *   the pattern of a pair; all patterns                 PATTERNS                      <source>#<target>
 *   a template's newest version; all templates          TEMPLATES                     <template>
 *   a template's version n                              TEMPLATE#<template>           V#<n, 6>
 *   the patterns that name a template; how many         TEMPLATE#<template>           USEDBY#<source>#<target> | USES
 *   the last version of a pair's deleted pattern        PATTERN#<source>#<target>     END
 *   who holds a natural key                             USER#<user>                   RUNKEY#<user run id>
 *   who holds an idempotency key of a user              IDEMPOTENCY#<user>            KEY#<key>
 *   a run; the sets it was accepted with; its tick      RUN#<run>                     RUN | SETS#<chunk, 2> | TICK
 *   what attempt n of a run is about                    RUN#<run>                     RETRY#<n, 4>
 *   all runs, newest first                              RUNS                          <run>
 *   runs of a user / under a user run id                RUNS#USER#<u> | RUNS#KEY#<k>  <run>
 *   runs of a template / in a state                     RUNS#TEMPLATE#<t> | RUNS#STATE#<s>   <run>
 *   ended runs with engine jobs to look after           RUNS#COLLECTING               <run>
 *   runs with a value of a searchable parameter         RUNS#PARAMETER#<key>#<value>  <run>
 *   the jobs of one set in all runs                     SET#<template>#<set key>      <run>#<index, 5>
 *   sums over ended runs, by day (of a template)        TOTALS | TOTALS#<template>    <day>
 *   a job of a run                                      RUN#<run>#S<shard>            JOB#<index, 5>
 *   the jobs of a run that need something (consistent)  RUN#<run>#S<shard>            OPEN#<index, 5>
 *   the task tokens parked for a job                    RUN#<run>#S<shard>            TOKEN#<index, 5>#<digest>
 *   how a run stands                                    RUN#<run>#S<shard>            COUNTS
 *   a job's parameters, history, metrics                JOB#<job>                     PARAMETERS | EVENT#<seq, 6> | METRICS#<attempt, 4>
 *   what a running job had counted, by time (30 days)   JOB#<job>                     SAMPLE#<instant>
 *   what has slots; who holds those of a resource       SLOTS | SLOTS#<resource>      <resource> | <run>
 *   how long a template's jobs took                     TEMPLATE#<template>           DURATIONS
 *   an API token                                        APITOKEN#<id>                 APITOKEN
 *   all API tokens, newest first; administrators'       APITOKENS | APITOKENS#ADMIN   <id>
 *   who has, or had, the name of an API token           APITOKENNAMES                 <name>
 *   a reported job; what it was registered with         JOB#<job>                     JOB | DEFINITION
 *   an event that was refused, after event n            JOB#<job>                     EVENT#<n, 6>#<time>#<digest>
 *   which indexing of a job counts; its outputs         JOB#<job>                     OUTPUTS | OUTPUT#<n, 6>#<key>
 *   what an event was answered                          JOB#<job>                     EVENTID#<digest>
 *   the tokens of a job, managed or reported            JOB#<job>                     JOBTOKEN#<token>
 *   all reported jobs / of a pipeline, newest first     JOBS | JOBS#PIPELINE#<p>      <time>#<job>
 *   … in a state / of a parent                          …#STATE#<s> | JOBS#PARENT#<p> <time>#<job>
 *   the reported jobs that may be overdue               JOBS#DUE                      <time>#<job>
 *   the deleted jobs that are to go                     JOBS#DELETED                  <time>#<job>
 *
 * A shard holds about 500 jobs, because a partition bears 1,000 write units a second and all jobs of a run may end in the
 * same one. Jobs are dealt to shards in turn: a fan-out that starts them in order writes to all shards alike.
 * There is no secondary index: a list is rows of its own, written with what it lists, hence consistent.
 */
import { createHash } from 'node:crypto';
import type { AnyJobId, Instant, JobRef, ReportedJobId, RunId, TemplateId } from '#domain/ids';
import type { JobState } from '#domain/job-state';
import type { RunState } from '#domain/run';
import { idOf, type HistoryEntry } from '#domain/job';

export interface Key {
  readonly pk: string;
  readonly sk: string;
}

const JOBS_PER_SHARD = 500;

/** A sort key may have 1,024 bytes: longer names stand as their digest, which no encoded name can look like. */
const enc = (name: string): string => {
  const encoded = encodeURIComponent(name);
  return encoded.length <= 400 ? encoded : `#${createHash('sha256').update(name).digest('hex')}`;
};
const digits = (value: number, width: number): string => String(value).padStart(width, '0');
const shortDigest = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 32);

export const shardCount = (jobCount: number): number => Math.max(1, Math.ceil(jobCount / JOBS_PER_SHARD));
export const shardOf = (index: number, jobCount: number): number => index % shardCount(jobCount);

const shard = (run: RunId, number: number): string => `RUN#${run}#S${number}`;
const jobPartition = (ref: JobRef): string => `JOB#${idOf(ref)}`;

export const keys = {
  pattern: (source: string, target: string): Key => ({ pk: 'PATTERNS', sk: `${enc(source)}#${enc(target)}` }),
  patterns: 'PATTERNS',
  patternEnd: (source: string, target: string): Key => ({ pk: `PATTERN#${enc(source)}#${enc(target)}`, sk: 'END' }),
  template: (id: TemplateId): Key => ({ pk: 'TEMPLATES', sk: id }),
  templates: 'TEMPLATES',
  templateVersion: (id: TemplateId, version: number): Key => ({ pk: `TEMPLATE#${id}`, sk: `V#${digits(version, 6)}` }),
  versionPartition: (id: TemplateId): string => `TEMPLATE#${id}`,
  versionPrefix: 'V#',
  usedBy: (id: TemplateId, source: string, target: string): Key => ({
    pk: `TEMPLATE#${id}`,
    sk: `USEDBY#${enc(source)}#${enc(target)}`,
  }),
  usedByPrefix: 'USEDBY#',
  durations: (id: TemplateId): Key => ({ pk: `TEMPLATE#${id}`, sk: 'DURATIONS' }),
  slotResources: 'SLOTS',
  slots: (resource: string): Key => ({ pk: 'SLOTS', sk: resource }),
  slotHolders: (resource: string): string => `SLOTS#${resource}`,
  slotHolder: (resource: string, run: RunId): Key => ({ pk: `SLOTS#${resource}`, sk: run }),
  uses: (id: TemplateId): Key => ({ pk: `TEMPLATE#${id}`, sk: 'USES' }),
  naturalKey: (user: string, userRun: string): Key => ({ pk: `USER#${enc(user)}`, sk: `RUNKEY#${enc(userRun)}` }),
  idempotencyKey: (user: string, key: string): Key => ({ pk: `IDEMPOTENCY#${enc(user)}`, sk: `KEY#${enc(key)}` }),
  run: (id: RunId): Key => ({ pk: `RUN#${id}`, sk: 'RUN' }),
  sets: (id: RunId, chunk: number): Key => ({ pk: `RUN#${id}`, sk: `SETS#${digits(chunk, 2)}` }),
  tick: (id: RunId): Key => ({ pk: `RUN#${id}`, sk: 'TICK' }),
  retry: (id: RunId, attempt: number): Key => ({ pk: `RUN#${id}`, sk: `RETRY#${digits(attempt, 4)}` }),
  runs: 'RUNS',
  runsOfUser: (user: string): string => `RUNS#USER#${enc(user)}`,
  runsOfKey: (userRun: string): string => `RUNS#KEY#${enc(userRun)}`,
  runsOfTemplate: (id: TemplateId): string => `RUNS#TEMPLATE#${id}`,
  runsInState: (state: RunState): string => `RUNS#STATE#${state}`,
  runsCollecting: 'RUNS#COLLECTING',
  runsWithParameter: (key: string, text: string): string => `RUNS#PARAMETER#${enc(key)}#${enc(text)}`,
  jobsOfSet: (template: TemplateId, setKey: string): string => `SET#${template}#${setKey}`,
  jobOfSet: (template: TemplateId, setKey: string, ref: JobRef): Key => ({
    pk: `SET#${template}#${setKey}`,
    sk: `${ref.runId}#${digits(ref.index, 5)}`,
  }),
  totals: (template: TemplateId | undefined): string => (template === undefined ? 'TOTALS' : `TOTALS#${template}`),
  shard,
  job: (ref: JobRef, jobCount: number): Key => ({ pk: shard(ref.runId, shardOf(ref.index, jobCount)), sk: `JOB#${digits(ref.index, 5)}` }),
  open: (ref: JobRef, jobCount: number): Key => ({
    pk: shard(ref.runId, shardOf(ref.index, jobCount)),
    sk: `OPEN#${digits(ref.index, 5)}`,
  }),
  openPrefix: 'OPEN#',
  token: (ref: JobRef, jobCount: number, taskToken: string): Key => ({
    pk: shard(ref.runId, shardOf(ref.index, jobCount)),
    sk: `TOKEN#${digits(ref.index, 5)}#${shortDigest(taskToken)}`,
  }),
  /** Sorts before and after every token of the job. */
  tokenBounds: (index: number): { readonly first: string; readonly last: string } => ({
    first: `TOKEN#${digits(index, 5)}#`,
    last: `TOKEN#${digits(index, 5)}#~`,
  }),
  counts: (run: RunId, shardNumber: number): Key => ({ pk: shard(run, shardNumber), sk: 'COUNTS' }),
  parameters: (ref: JobRef): Key => ({ pk: jobPartition(ref), sk: 'PARAMETERS' }),
  historyPartition: jobPartition,
  historyPrefix: 'EVENT#',
  history: (ref: JobRef, sequence: number): Key => ({ pk: jobPartition(ref), sk: `EVENT#${digits(sequence, 6)}` }),
  metrics: (ref: JobRef, attempt: number): Key => ({ pk: jobPartition(ref), sk: `METRICS#${digits(attempt, 4)}` }),
  sample: (ref: JobRef, at: Instant): Key => ({ pk: jobPartition(ref), sk: `SAMPLE#${at}` }),
  sampleBounds: ({
    from = '',
    to = '~',
  }: {
    readonly from?: string;
    readonly to?: string;
  }): { readonly first: string; readonly last: string } => ({
    first: `SAMPLE#${from}`,
    last: `SAMPLE#${to}`,
  }),
  apiToken: (id: string): Key => ({ pk: `APITOKEN#${id}`, sk: 'APITOKEN' }),
  apiTokens: 'APITOKENS',
  apiTokenRow: (id: string): Key => ({ pk: 'APITOKENS', sk: id }),
  administrators: 'APITOKENS#ADMIN',
  administrator: (id: string): Key => ({ pk: 'APITOKENS#ADMIN', sk: id }),
  apiTokenName: (nameKey: string): Key => ({ pk: 'APITOKENNAMES', sk: enc(nameKey) }),
  outputIndex: (id: ReportedJobId): Key => ({ pk: `JOB#${id}`, sk: 'OUTPUTS' }),
  jobOutputPrefix: (sequence: number): string => `OUTPUT#${digits(sequence, 6)}#`,
  jobOutput: (id: ReportedJobId, sequence: number, key: string): Key => ({
    pk: `JOB#${id}`,
    sk: `OUTPUT#${digits(sequence, 6)}#${enc(key)}`,
  }),
  jobItems: (id: AnyJobId): string => `JOB#${id}`,
  reportedJob: (id: ReportedJobId): Key => ({ pk: `JOB#${id}`, sk: 'JOB' }),
  jobDefinition: (id: ReportedJobId): Key => ({ pk: `JOB#${id}`, sk: 'DEFINITION' }),
  jobEntry: (id: AnyJobId, sequence: number): Key => ({ pk: `JOB#${id}`, sk: `EVENT#${digits(sequence, 6)}` }),
  /** Sorts after the event that it came after, and before the next. */
  refusedEntry: (id: AnyJobId, { sequence, at, eventId }: HistoryEntry): Key => ({
    pk: `JOB#${id}`,
    sk: `EVENT#${digits(sequence, 6)}#${at}#${shortDigest(eventId)}`,
  }),
  eventAnswer: (id: AnyJobId, eventId: string): Key => ({ pk: `JOB#${id}`, sk: `EVENTID#${shortDigest(eventId)}` }),
  jobToken: (id: AnyJobId, tokenId: string): Key => ({ pk: `JOB#${id}`, sk: `JOBTOKEN#${tokenId}` }),
  jobTokenPrefix: 'JOBTOKEN#',
  reportedJobs: (of: { readonly pipeline?: string; readonly state?: JobState }): string =>
    ['JOBS', ...(of.pipeline === undefined ? [] : ['PIPELINE', of.pipeline]), ...(of.state === undefined ? [] : ['STATE', of.state])].join(
      '#',
    ),
  childJobs: (parent: string): string => `JOBS#PARENT#${parent}`,
  dueJobs: 'JOBS#DUE',
  deletedJobs: 'JOBS#DELETED',
  /** A row of a list of reported jobs. */
  jobAt: (at: Instant, id: ReportedJobId): string => `${at}#${id}`,
} as const;

/**
 * What is read of Control Hub's answers (JobStatusJson and JobJson, contract §2.3). Loosely: a field of another type is as if it were
 * not there, an enum's value that nobody knows stays as it is, and an entry that cannot be read at all is left out of its list.
 */
import * as z from 'zod';

const text = z.string().nullish().catch(undefined);
const whole = z.number().nullish().catch(undefined);
const flag = z.boolean().nullish().catch(undefined);
const texts = z.array(z.string()).nullish().catch(undefined);

export const HubStatus = z.object({
  /** Of the run. */
  id: text,
  jobId: text,
  runCount: whole,
  startTime: whole,
  finishTime: whole,
  errorMessage: text,
  color: text,
  status: z.string(),
  sdcIds: texts,
  warnings: texts,
  pipelineStatus: z
    .array(z.object({ status: text, message: text }))
    .nullish()
    .catch(undefined),
  pipelineCommitId: text,
  inputRecordCount: whole,
  outputRecordCount: whole,
  errorRecordCount: whole,
  lastReportedMetricTime: whole,
});
export type HubStatus = z.infer<typeof HubStatus>;

export const HubJob = z.object({
  id: z.string(),
  name: text,
  createTime: whole,
  jobDeleted: flag,
  jobTemplate: flag,
  archived: flag,
  pipelineId: text,
  pipelineCommitId: text,
  currentJobStatus: HubStatus.nullish().catch(undefined),
  rawJobTags: texts,
  jobTags: z
    .array(z.object({ tag: text }))
    .nullish()
    .catch(undefined),
});
export type HubJob = z.infer<typeof HubJob>;

export const RunCountsRow = z.object({
  runCount: whole,
  inputCount: whole,
  outputCount: whole,
  errorCount: whole,
  lastUpdatedOn: whole,
});
export type RunCountsRow = z.infer<typeof RunCountsRow>;

export const StatusEvent = z.object({ time: whole, message: text, status: text });

/** Of a list, or of the wrapper that some lists come in: the entries that can be read. */
export function entriesOf<Entry>(schema: z.ZodType<Entry>, body: unknown): readonly Entry[] {
  const list = Array.isArray(body) ? body : (body as { readonly data?: unknown } | null | undefined)?.data;
  if (!Array.isArray(list)) return [];
  return list.flatMap((each: unknown) => {
    const parsed = schema.safeParse(each);
    return parsed.success ? [parsed.data] : [];
  });
}

/** A time that is none: null, or 0. */
export const isSet = (value: number | null | undefined): value is number => typeof value === 'number' && value > 0;

/** What Control Hub gives out as ids, `{uuid}:{organization}`; anything else is not asked about, and never put into a path. */
export const isHubId = (id: string): boolean => /^[\w.-]{1,100}:[\w.-]{1,100}$/.test(id);

/** With the raw colon, which the vendor's own client sends. [C:SDK] */
export const jobPath = (id: string, rest = ''): string => `/jobrunner/rest/v1/job/${encodeURIComponent(id).replaceAll('%3A', ':')}${rest}`;

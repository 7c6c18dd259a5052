/** Indexing and resetting reported jobs, and their outputs, as the API spells them. */
import * as z from 'zod';
import type { JobOutput, OutputIndex } from '#domain/job-output';
import { JOB_STATES } from '#domain/job-state';
import { parseNamePattern, type NamePattern } from '#domain/name-pattern';
import { InstantText } from './instants.ts';

const PATTERNS = 20;

const pattern = z.string().transform((text, context): NamePattern => {
  const parsed = parseNamePattern(text);
  if (parsed.kind === 'pattern') return parsed.pattern;
  context.addIssue({ code: 'custom', message: parsed.message });
  return z.NEVER;
});

/** Regular expressions, one of which is to be found in the base name of a file. */
export const NamePatterns = z.array(pattern).max(PATTERNS, `must be at most ${PATTERNS}`);

export const IndexRequest = z.strictObject({
  /** Instead of those that the job was registered with; none at all is every file. */
  patterns: NamePatterns.exactOptional(),
});
export type IndexRequest = z.input<typeof IndexRequest>;
export type ParsedIndexRequest = z.output<typeof IndexRequest>;

export const ResetRequest = z.strictObject({
  /** The files of the attempts so far stay where they are. */
  'keep-archive': z.boolean().default(false),
});
export type ResetRequest = z.input<typeof ResetRequest>;
export type ParsedResetRequest = z.output<typeof ResetRequest>;

export const JobIndexed = z.object({
  'job-id': z.string(),
  state: z.enum(JOB_STATES),
  sequence: z.number(),
  outputs: z.number(),
  'size-bytes': z.number(),
});
export type JobIndexed = z.infer<typeof JobIndexed>;

/** It takes longer than an answer may, and goes on without whoever asked. */
export const JobLeftIndexing = z.object({ 'job-id': z.string(), state: z.enum(JOB_STATES) });
export type JobLeftIndexing = z.infer<typeof JobLeftIndexing>;

export const JobReset = z.object({
  'job-id': z.string(),
  state: z.enum(JOB_STATES),
  sequence: z.number(),
  'files-removed': z.number(),
});
export type JobReset = z.infer<typeof JobReset>;

export const JobOutputView = z.object({
  key: z.string(),
  'size-bytes': z.number(),
  checksum: z.string(),
  'modified-at': InstantText,
});
export type JobOutputView = z.infer<typeof JobOutputView>;

/** A page of the outputs; `indexed-at` is absent where the attempt was not indexed. */
export const JobOutputsView = z.object({
  items: z.array(JobOutputView),
  'indexed-at': InstantText.exactOptional(),
  outputs: z.number(),
  'size-bytes': z.number(),
  'next-cursor': z.string().exactOptional(),
});
export type JobOutputsView = z.infer<typeof JobOutputsView>;

export const outputView = ({ key, sizeBytes, checksum, modifiedAt }: JobOutput): JobOutputView => ({
  key,
  'size-bytes': sizeBytes,
  checksum,
  'modified-at': modifiedAt,
});

export function outputsView(index: OutputIndex | undefined, items: readonly JobOutput[], cursor?: string): JobOutputsView {
  return {
    items: items.map(outputView),
    ...(index ? { 'indexed-at': index.at } : {}),
    outputs: index?.count ?? 0,
    'size-bytes': index?.sizeBytes ?? 0,
    ...(cursor === undefined ? {} : { 'next-cursor': cursor }),
  };
}

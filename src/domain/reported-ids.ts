/**
 * The id and the archive path of a reported job follow from what it is about: the same pipeline, parents and data are the
 * same job (contracts/pipeline-jobs.md §2.2 and §2.3).
 */
import { hashid } from './hashid.ts';
import type { ReportedJobId } from './ids.ts';
import type { JsonObject } from './json.ts';
import { byCodePoint, pythonJson, pythonList } from './python-json.ts';
import { isTypedUuid, numberOf, typedUuid, type Sha1 } from './typed-uuid.ts';

/** What a reported job is identified by. `pipeline` and `parents` are typed UUIDs, the parents sorted. */
export interface JobContent {
  readonly pipeline: string;
  readonly parents: readonly string[];
  readonly data: JsonObject;
}

export const ARCHIVE_PREFIX = '/products/v2';
/** As the original configures it: with another one, paths would not be those that its archives have. */
const PATH_SALT = 'xCPJ7PKTdp8BYYb4twh9xNYD';

/** A pipeline by its UUID, or by a name that stands for one. */
export function pipelineUuid(sha1: Sha1, pipeline: string): string {
  return isTypedUuid(pipeline, 'pipeline') ? pipeline : typedUuid(sha1, 'pipeline', pipeline);
}

export function reportedJobId(sha1: Sha1, { pipeline, parents, data }: JobContent): ReportedJobId {
  const text = [pipeline, pythonList(parents), pythonJson(data)].toSorted(byCodePoint).join(':');
  return typedUuid(sha1, 'job', text) as ReportedJobId;
}

/** `<prefix>/<pipeline>/<parents>/<data>`. */
export function archivePath(sha1: Sha1, { pipeline, parents, data }: JobContent, prefix: string = ARCHIVE_PREFIX): string {
  const element = (text: string): string => hashid(numberOf(typedUuid(sha1, 'generic', text)), PATH_SALT);
  return [prefix, pipeline.replaceAll('-', ''), element(parents.join(':')), element(pythonJson(data))].join('/');
}

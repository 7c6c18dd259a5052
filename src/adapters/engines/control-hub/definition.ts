/**
 * The engine-specific part of a template: which job template of Control Hub's it starts.
 *
 *     engine: control-hub
 *     definition: { job-template-id: 35c675ae-665b-4129-b22b-2bf8e491f197:8030c2e9-1a39-11ec-a5fe-97c8d4369386 }
 *
 * The Job Template Service's own name for it, `sch_job_template_id`, is taken as well. How often counts are refreshed and how long a
 * forced stop takes are settings of the job template in Control Hub.
 */
import type { DefinitionProblem } from '#domain/engine-job';
import type { JsonObject } from '#domain/json';
import { asked, type Hub } from './hub.ts';
import { HubJob, isHubId, jobPath } from './wire.ts';

export const TEMPLATE_KEYS = ['job-template-id', 'sch-job-template-id', 'sch_job_template_id'] as const;

export type Definition = { readonly jobTemplateId: string; readonly key: string } | { readonly problems: readonly DefinitionProblem[] };

export function parsedDefinition(definition: JsonObject): Definition {
  const known: readonly string[] = TEMPLATE_KEYS;
  const unknown = Object.keys(definition).filter((key) => !known.includes(key));
  const given = Object.keys(definition).filter((key) => known.includes(key));
  const [key] = given;
  const problems: DefinitionProblem[] = unknown.map((name) => ({
    pointer: `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`,
    rule: 'unknown',
    message: `is no setting of a control-hub template; there is ${TEMPLATE_KEYS[0]}`,
  }));
  if (key === undefined) return { problems: [...problems, problem(`/${TEMPLATE_KEYS[0]}`, 'required', 'is required')] };
  if (given.length > 1) problems.push(problem(`/${given[1] ?? ''}`, 'unique', `says the same as ${key}`));
  const id = definition[key];
  if (typeof id !== 'string' || !isHubId(id)) {
    problems.push(problem(`/${key}`, 'format', 'must be the id of a job template, as in the address of its page: uuid:organization'));
    return { problems };
  }
  return problems.length > 0 ? { problems } : { jobTemplateId: id, key };
}

/** @throws Fault EngineUnavailable where Control Hub cannot be asked */
export async function definitionProblems(hub: Hub, definition: JsonObject): Promise<readonly DefinitionProblem[]> {
  const parsed = parsedDefinition(definition);
  if ('problems' in parsed) return parsed.problems;
  const pointer = `/${parsed.key}`;
  const answer = await asked(hub, { method: 'GET', path: jobPath(parsed.jobTemplateId), repeatable: true });
  if (answer.kind === 'refused') {
    const isMissing = answer.status === 404;
    return [problem(pointer, 'exists', isMissing ? 'is no job template that these credentials can see' : answer.message)];
  }
  const job = HubJob.safeParse(answer.body);
  if (!job.success) return [problem(pointer, 'exists', 'Control Hub answered with something that is no job template')];
  const { jobTemplate, jobDeleted, archived } = job.data;
  if (jobDeleted === true) return [problem(pointer, 'exists', 'was deleted in Control Hub')];
  if (jobTemplate !== true) return [problem(pointer, 'template', 'is a job, and not a job template')];
  return archived === true ? [problem(pointer, 'template', 'is archived in Control Hub')] : [];
}

const problem = (pointer: string, rule: string, message: string): DefinitionProblem => ({ pointer, rule, message });

/** Instances of a template: JobTemplateCreationInfoJson. [C:SW-job, SDK start_job_template] */
import * as z from 'zod';
import type { Hub, Job } from './hub.ts';
import { newHubId } from './hub.ts';
import { createJob, startJob, type NewJob } from './job-actions.ts';
import { refused } from './refusal.ts';
import type { Parameters } from './run-plan.ts';

const CreationInfo = z.looseObject({
  name: z.string().nullish(),
  description: z.string().nullish(),
  namePostfixType: z.enum(['COUNTER', 'TIME_STAMP', 'PARAM_VALUE']).nullish(),
  paramName: z.string().nullish(),
  runtimeParametersList: z.array(z.record(z.string(), z.unknown())).nullish(),
  rawJobTags: z.array(z.string()).nullish(),
  deleteAfterCompletion: z.boolean().nullish(),
  attachToTemplate: z.boolean().nullish(),
});
type CreationInfo = z.infer<typeof CreationInfo>;

/**
 * Creates one instance for each object of `runtimeParametersList`, and starts them at `startMs`; all or none.
 * @throws Refusal for a body that is none, or a template that cannot be started
 */
export function createInstances(hub: Hub, template: Job, body: unknown, nowMs: number, startMs: number): readonly Job[] {
  if (!template.definition.jobTemplate) throw refused(400, 'SIMULATOR_04', `${template.id} is no job template`);
  if (template.archived) throw refused(400, 'SIMULATOR_04', `template ${template.id} is archived`);
  const info = infoOf(body);
  // No list, or one without an object: the template's own parameters.
  const list = info.runtimeParametersList?.length ? info.runtimeParametersList : [{}];
  checkStatic(hub, template, list);
  const made: Job[] = [];
  try {
    for (const [index, parameters] of list.entries()) {
      const job = createJob(hub, instanceOf(hub, template, info, parameters, index, nowMs), nowMs);
      made.push(job);
      startJob(hub, job, startMs);
    }
  } catch (error) {
    for (const { id } of made) hub.jobs.delete(id);
    throw error;
  }
  if (info.attachToTemplate === false) return made;
  hub.templateRuns.push({
    id: newHubId(hub),
    templateId: template.id,
    user: hub.userId,
    atMs: nowMs,
    runCount: hub.templateRuns.filter(({ templateId }) => templateId === template.id).length + 1,
    configuration: JSON.stringify(info),
    jobInstanceIds: made.map(({ id }) => id),
  });
  return made;
}

function infoOf(body: unknown): CreationInfo {
  if (body === undefined) throw refused(400, 'SIMULATOR_02', 'body is missing');
  const parsed = CreationInfo.safeParse(body);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw refused(400, 'SIMULATOR_02', `${issue?.path.join('.') ?? 'body'}: ${issue?.message ?? 'is no creation info'}`);
}

function checkStatic(hub: Hub, { definition }: Job, list: readonly Parameters[]): void {
  if (hub.switches.staticParameterGiven === 'ignored') return;
  const named = definition.staticParameters.find((name) => list.some((parameters) => name in parameters));
  if (named !== undefined) throw refused(400, 'SIMULATOR_09', `${named} is a static parameter of the template`);
}

function instanceOf(hub: Hub, template: Job, info: CreationInfo, given: Parameters, index: number, nowMs: number): NewJob {
  const allowed = Object.entries(given).filter(([name]) => !template.definition.staticParameters.includes(name));
  const suffix = suffixOf(info, given, index, nowMs);
  const base = info.name ?? template.definition.name;
  return {
    definition: {
      ...template.definition,
      name: hub.switches.instanceName.replace('{base}', () => base).replace('{suffix}', () => suffix),
      description: info.description ?? template.definition.description,
      jobTemplate: false,
      runtimeParameters: { ...template.definition.runtimeParameters, ...Object.fromEntries(allowed) },
      rawJobTags: info.rawJobTags ?? template.definition.rawJobTags,
      deleteAfterCompletion: info.deleteAfterCompletion ?? false,
    },
    ...(info.attachToTemplate === false ? {} : { template }),
  };
}

function suffixOf(info: CreationInfo, parameters: Parameters, index: number, nowMs: number): string {
  switch (info.namePostfixType ?? 'COUNTER') {
    case 'COUNTER':
      return String(index + 1);
    case 'TIME_STAMP':
      return new Date(nowMs).toISOString();
    case 'PARAM_VALUE': {
      const value = info.paramName == null ? undefined : parameters[info.paramName];
      if (value === undefined) throw refused(400, 'SIMULATOR_10', 'PARAM_VALUE needs a paramName that every set has');
      return typeof value === 'string' ? value : JSON.stringify(value);
    }
  }
}

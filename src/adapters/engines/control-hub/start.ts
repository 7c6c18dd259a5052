/**
 * Starts a template by `createAndStartJobInstances`, the only call whose instances stay attached to their template: one call for one
 * parameter set, so that its answer, its name and its tags are of one job.
 *
 * The call has no key that would make it repeatable. So what may have had an effect is never sent again from here: the caller comes
 * back, looks for the name, and starts again only when the fence is over and there is nothing.
 */
import type { EngineStart, EngineStartOutcome } from '#domain/engine-job';
import { engineJobId, type EngineJobId, type EngineJobName } from '#domain/ids';
import type { Engine } from '#operations/ports';
import type { HubAnswer, NoAnswer } from './client.ts';
import { parsedDefinition } from './definition.ts';
import type { Duplicates } from './duplicates.ts';
import { unavailable, type Hub } from './hub.ts';
import { chosenOf, foundInstance, instancesNamed } from './look-up.ts';
import { isHubId, jobPath } from './wire.ts';

export interface Starter {
  readonly start: Engine['start'];
  readonly find: Engine['find'];
}

/** Names that were looked for in vain and are about to be started again. */
const MOST_LOOKED_FOR = 1000;

export function starter(hub: Hub, duplicates: Duplicates): Starter {
  const lookedFor = new Set<EngineJobName>();
  return {
    async find(name) {
      const found = await foundInstance(hub, name);
      if (found) {
        await duplicates.stop(name, found.id, found.younger);
        return found.id;
      }
      if (lookedFor.size >= MOST_LOOKED_FOR) lookedFor.clear();
      lookedFor.add(name);
      return undefined;
    },
    async start(start) {
      const { engineJobName: name } = start;
      const definition = parsedDefinition(start.definition);
      if ('problems' in definition) return { kind: 'refused', message: definition.problems.map(problemText).join('; ') };
      const isRepeated = lookedFor.delete(name);
      const path = jobPath(definition.jobTemplateId, '/createAndStartJobInstances');
      const answer = await hub.client.call({ method: 'POST', path, body: creationOf(start), repeatable: false });
      if (answer.kind === 'refused') return { kind: 'refused', message: answer.message };
      if (answer.kind === 'no-answer') return await withoutAnswer(path, name, answer, isRepeated);
      const [id] = idsOf(answer);
      // It may have taken effect all the same: whoever repeats this looks for the name first.
      if (id === undefined) throw unavailable({ method: 'POST', path }, 'the answer names no job');
      return { kind: 'started', engineJobId: await withoutDuplicates(name, id) };
    },
  };

  /**
   * Some of Control Hub's refusals are a 500 with `ISSUES`. Nobody can tell one from an accident, but one that comes again, a fence
   * after the first and with no trace of either, is meant.
   */
  async function withoutAnswer(path: string, name: EngineJobName, answer: NoAnswer, isRepeated: boolean): Promise<EngineStartOutcome> {
    const { told, hadNoEffect, reason } = answer;
    if (hadNoEffect) return { kind: 'not-now', message: reason };
    if (!isRepeated || told?.code === undefined) throw unavailable({ method: 'POST', path }, reason);
    const instances = await instancesNamed(hub, name);
    if (instances.length > 0) throw unavailable({ method: 'POST', path }, reason);
    return { kind: 'refused', message: told.message };
  }

  /** A gateway may have sent a call on twice. What cannot be looked up now is no reason to doubt the start. */
  async function withoutDuplicates(name: EngineJobName, id: string): Promise<EngineJobId> {
    const instances = await instancesNamed(hub, name).catch(() => []);
    const chosen = instances.length > 1 ? chosenOf(instances, hub.nowMs()) : undefined;
    if (!chosen) return engineJobId(id);
    await duplicates.stop(name, chosen.id, chosen.younger);
    return chosen.id;
  }
}

/**
 * The name and the tags say whose job it is. Of the postfixes that Control Hub appends to the name, COUNTER is the one that is the same
 * for the same start: TIME_STAMP is another each time, and PARAM_VALUE shows a value that may be long, or secret. The run's id is a tag
 * as well, by which people find all the jobs of a run. Removing the instance is ours, after its counts were read.
 */
const creationOf = ({ engineJobName, runId, parameters }: EngineStart): object => ({
  name: engineJobName,
  description: null,
  namePostfixType: 'COUNTER',
  paramName: null,
  runtimeParametersList: [parameters],
  rawJobTags: [engineJobName, runId],
  deleteAfterCompletion: false,
  attachToTemplate: true,
});

/** A list of job statuses, though the swagger shows one; of jobs, where it is the other of the two calls. [C:SDK] */
function idsOf({ body }: HubAnswer & { readonly kind: 'answer' }): readonly string[] {
  const list: readonly unknown[] = Array.isArray(body) ? body : [body];
  return list.flatMap((each) => {
    if (typeof each !== 'object' || each === null) return [];
    const { jobId, id } = each as { readonly jobId?: unknown; readonly id?: unknown };
    const given = jobId ?? id;
    return typeof given === 'string' && isHubId(given) ? [given] : [];
  });
}

const problemText = ({ pointer, message }: { readonly pointer: string; readonly message: string }): string =>
  `definition${pointer} ${message}`;

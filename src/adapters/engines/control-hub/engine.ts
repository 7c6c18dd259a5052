/** The engine of the first users: instances of StreamSets Control Hub's job templates. docs/control-hub.md */
import type { EngineJobId } from '#domain/ids';
import type { Engine } from '#operations/ports';
import type { HubClient } from './client.ts';
import { definitionProblems } from './definition.ts';
import { duplicates } from './duplicates.ts';
import { asked, unavailable, type Hub } from './hub.ts';
import { jobReader, readJob } from './job-reader.ts';
import { hasEnded } from './job-state.ts';
import { lateLooks } from './late-looks.ts';
import { metricsOf } from './metrics.ts';
import { starter } from './start.ts';
import { statuses } from './statuses.ts';
import { stops } from './stops.ts';
import { isHubId, jobPath } from './wire.ts';

export interface ControlHubOptions {
  readonly client: HubClient;
  readonly nowMs: () => number;
  readonly pause: (ms: number) => Promise<void>;
  readonly note: Hub['note'];
  /** Jobs of one bulk question. */
  readonly statusChunk: number;
  /** How long a start whose answer was lost may take to be found: it may take effect late, and the search may be slow to see it. */
  readonly fenceSeconds: number;
  readonly metricsSettleSeconds: number;
}

export function controlHubEngine({ statusChunk, fenceSeconds, metricsSettleSeconds, ...hub }: ControlHubOptions): Engine {
  const second = duplicates(hub);
  const starts = starter(hub, second);
  const stopping = stops(hub);
  const read = jobReader(hub);
  const late = lateLooks(hub, second, { fenceSeconds, metricsSettleSeconds });
  const withWarning = withWarnings((id) => second.warningOf(id));
  return {
    fenceSeconds,
    metricsSettleSeconds,
    check: (definition) => definitionProblems(hub, definition),
    start: (start) => starts.start(start),
    find: (name) => starts.find(name),
    startWarning: (id) => second.warningOf(id),
    async status(ids) {
      await second.stopRest();
      const { told, raw } = await statuses(hub, ids, statusChunk);
      await stopping.askAgain(told);
      await late.aroundRunning(raw);
      return withWarning(told);
    },
    async metrics(id) {
      const job = isHubId(id) ? await read(id) : undefined;
      if (!job) return undefined;
      const metrics = await metricsOf(hub, job, late.isStoppedEarly(job));
      await late.aroundEnded(job);
      return metrics;
    },
    async acknowledge(id) {
      // A refusal says that there is nothing to acknowledge.
      if (isHubId(id)) await asked(hub, { method: 'POST', path: jobPath(id, '/acknowledgeError'), repeatable: true });
    },
    stop: (id, { force }) => (isHubId(id) ? stopping.ask(id, force) : Promise.resolve()),
    remove: (id) => (isHubId(id) ? removed(hub, id) : Promise.resolve()),
  };
}

/** Control Hub itself would let an active job's records go: only what is final is removed. */
async function removed(hub: Hub, id: EngineJobId): Promise<void> {
  const job = await readJob(hub, id);
  const status = job?.currentJobStatus;
  if (!status || !hasEnded(status)) return;
  if (status.status === 'INACTIVE_ERROR') await asked(hub, { method: 'POST', path: jobPath(id, '/acknowledgeError'), repeatable: true });
  const call = { method: 'DELETE', path: jobPath(id), repeatable: true } as const;
  const answer = await asked(hub, call);
  if (answer.kind === 'refused' && answer.status !== 404) throw unavailable(call, `${answer.status}: ${answer.message}`);
}

type Statuses = Awaited<ReturnType<Engine['status']>>;

function withWarnings(warningOf: (id: EngineJobId) => string | undefined): (statuses: Statuses) => Statuses {
  return (told) =>
    new Map(
      [...told].map(([id, status]) => {
        const warning = status.warning ?? (status.state === 'running' || status.state === 'queued' ? warningOf(id) : undefined);
        return [id, warning === undefined ? status : { ...status, warning }];
      }),
    );
}

/** Webhooks on status changes: what Control Hub would send, and when. Sending is the host's. [C:SW-notif, SDK, DOC] */
import * as z from 'zod';
import { newHubId, type Hub, type Job, type Subscription, type Webhook } from './hub.ts';
import { filterOf, type EventFilter } from './event-filter.ts';
import { refused } from './refusal.ts';
import { phasesOf } from './timeline.ts';

export interface WebhookDelivery {
  readonly subscriptionId: string;
  readonly method: string;
  readonly uri: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly timeoutMs: number;
}

/** The config of a WEBHOOKV1 action: a JSON string on the wire. OAuth2 and API keys in a query are not simulated. */
const WebhookConfig = z.looseObject({
  uri: z.url(),
  method: z.enum(['GET', 'POST', 'PUT', 'DELETE']).default('GET'),
  contentType: z.string().nullish(),
  payload: z.string().nullish(),
  authType: z.string().nullish(),
  username: z.string().nullish(),
  password: z.string().nullish(),
  timeout: z.number().int().positive().default(30_000),
  headers: z.record(z.string(), z.string()).nullish(),
  bearerToken: z.string().nullish(),
});

const EventSubscription = z.looseObject({
  id: z.string().nullish(),
  name: z.string().min(1),
  enabled: z.boolean().nullish(),
  events: z.array(z.looseObject({ eventType: z.string(), filter: z.string().nullish() })).min(1),
  externalActions: z.array(z.looseObject({ eventType: z.string(), config: z.string() })).min(1),
});

/** @throws Refusal for what is no subscription, and for a filter that the simulator cannot read */
export function subscriptionOf(hub: Hub, body: unknown, id: string, nowMs: number): Subscription {
  const parsed = EventSubscription.safeParse(body);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw refused(400, 'SIMULATOR_02', `${issue?.path.join('.') ?? 'body'}: ${issue?.message ?? 'is no subscription'}`);
  }
  const { events, externalActions, enabled, name } = parsed.data;
  const ours = events.filter(({ eventType }) => eventType === hub.switches.statusChangeEventType);
  return {
    id,
    name,
    fields: { ...parsed.data, id, organization: hub.organizationId },
    createdMs: nowMs,
    filters: ours.map(({ filter }) => filterOf(filter ?? '')),
    webhooks: externalActions.filter(({ eventType }) => eventType === 'WEBHOOKV1').map(({ config }) => configOf(config)),
    enabled: enabled ?? true,
    triggerCount: 0,
    lastTriggeredMs: null,
    errorMessage: null,
  };
}

function configOf(json: string): Webhook {
  try {
    return WebhookConfig.parse(JSON.parse(json));
  } catch {
    throw refused(400, 'SIMULATOR_02', 'externalActions.config: is no webhook in a JSON string');
  }
}

/** All that Control Hub can tell of a status change. [C:DOC Parameters] */
export const WEBHOOK_PAYLOAD = JSON.stringify({
  jobId: '{{JOB_ID}}',
  jobName: '{{JOB_NAME}}',
  fromStatus: '{{FROM_STATUS}}',
  toStatus: '{{TO_STATUS}}',
});

/** A subscription to every status change. */
export function subscribe(hub: Hub, { uri, headers }: Pick<Webhook, 'uri' | 'headers'>, nowMs: number): void {
  const config = { uri, method: 'POST', contentType: 'application/json', payload: WEBHOOK_PAYLOAD, headers };
  const body = {
    name: 'Every status change',
    events: [{ eventType: hub.switches.statusChangeEventType }],
    externalActions: [{ eventType: 'WEBHOOKV1', config: JSON.stringify(config) }],
  };
  const subscription = subscriptionOf(hub, body, newHubId(hub), nowMs);
  hub.subscriptions.set(subscription.id, subscription);
}

interface StatusChange {
  readonly atMs: number;
  readonly job: Job;
  readonly from: string;
  readonly to: string;
}

export interface Announcements {
  /** What is to be delivered by now and has not been taken yet, in the order of the changes. */
  take(nowMs: number): readonly WebhookDelivery[];
}

export function announcements(hub: Hub): Announcements {
  /** Phases by run that have been told. By number and not by time: an action adds a phase to the present moment. */
  const told = new Map<string, number>();
  /** Runs that nothing can change any more, so that thousands of ended jobs cost a look nothing. */
  const over = new Set<string>();

  function changesOf(job: Job, nowMs: number): readonly StatusChange[] {
    return job.runs.flatMap((run) => {
      if (over.has(run.statusId)) return [];
      const before = told.get(run.statusId) ?? 0;
      const phases = phasesOf(run).filter(({ atMs }) => atMs <= nowMs);
      if (phases.at(-1)?.status === 'INACTIVE') over.add(run.statusId);
      if (phases.length <= before) return [];
      told.set(run.statusId, phases.length);
      return phases.slice(before).flatMap(({ atMs, status }, index): StatusChange[] => {
        const from = phases[before + index - 1]?.status ?? 'INACTIVE';
        return from === status ? [] : [{ atMs, job, from, to: status }];
      });
    });
  }

  return {
    take(nowMs) {
      // A subscription that comes later is told nothing from before it.
      if (hub.subscriptions.size === 0) return [];
      const changes = [...hub.jobs.values()].flatMap((job) => changesOf(job, nowMs)).toSorted((a, b) => a.atMs - b.atMs);
      return changes.flatMap((change) => [...hub.subscriptions.values()].flatMap((subscription) => triggered(hub, subscription, change)));
    },
  };
}

function triggered(hub: Hub, subscription: Subscription, change: StatusChange): readonly WebhookDelivery[] {
  const values: Readonly<Record<string, string>> = {
    JOB_ID: change.job.id,
    JOB_NAME: change.job.definition.name,
    FROM_STATUS: change.from,
    TO_STATUS: change.to,
  };
  const wanted = (filter: EventFilter): boolean => filter(values);
  if (!subscription.enabled || change.atMs < subscription.createdMs || !subscription.filters.some(wanted)) return [];
  subscription.triggerCount += 1;
  subscription.lastTriggeredMs = change.atMs;
  const all = {
    ...values,
    ORGANIZATION: hub.organizationId,
    // Spelled as Control Hub spells it.
    SUBCRIPTION_ID: subscription.id,
    SUBSCRIPTION_NAME: subscription.name,
    TRIGGERED_COUNT: String(subscription.triggerCount),
    TRIGGERED_ON: String(change.atMs),
  };
  return subscription.webhooks.flatMap((config) => {
    const delivery = deliveryOf(subscription, config, all);
    return Array.from({ length: timesDelivered(hub) }, () => delivery);
  });
}

function timesDelivered({ switches }: Hub): number {
  if (switches.webhookDrops > 0) {
    switches.webhookDrops -= 1;
    return 0;
  }
  if (switches.webhookDuplicates === 0) return 1;
  switches.webhookDuplicates -= 1;
  return 2;
}

function deliveryOf({ id }: Subscription, config: Webhook, values: Readonly<Record<string, string>>): WebhookDelivery {
  const basic = config.authType === 'basic' ? `Basic ${btoa(`${config.username ?? ''}:${config.password ?? ''}`)}` : undefined;
  const bearer = config.bearerToken ? `Bearer ${config.bearerToken}` : undefined;
  const authorization = basic ?? bearer;
  return {
    subscriptionId: id,
    method: config.method,
    uri: config.uri,
    headers: {
      'content-type': config.contentType ?? 'text/plain',
      ...(authorization === undefined ? {} : { authorization }),
      ...config.headers,
    },
    // A name that nobody knows stays as it is.
    body: (config.payload ?? '').replaceAll(/\{\{([A-Z_]+)\}\}/g, (whole, name: string) => values[name] ?? whole),
    timeoutMs: config.timeout,
  };
}

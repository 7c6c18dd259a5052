/** Event subscriptions. [C:SW-notif] */
import { newHubId, type Subscription } from '#hosts/control-hub-simulator/hub';
import { refused } from '#hosts/control-hub-simulator/refusal';
import { page, type HubCall, type Route } from '#hosts/control-hub-simulator/routing';
import { subscriptionOf } from '#hosts/control-hub-simulator/webhooks';

/** EventSubscriptionJson. */
const subscriptionJson = (each: Subscription): object => ({
  ...each.fields,
  enabled: each.enabled,
  deleted: false,
  lastTriggered: each.lastTriggeredMs,
  triggerCount: each.triggerCount,
  errorMessage: each.errorMessage,
});

function created(call: HubCall): unknown {
  const subscription = subscriptionOf(call.hub, call.body, newHubId(call.hub), call.nowMs);
  call.hub.subscriptions.set(subscription.id, subscription);
  return subscriptionJson(subscription);
}

function subscriptionNamed({ hub }: HubCall, id: unknown): Subscription {
  const subscription = typeof id === 'string' ? hub.subscriptions.get(id) : undefined;
  if (!subscription) throw refused(404, 'SIMULATOR_01', 'there is no such subscription');
  return subscription;
}

function updated(call: HubCall): unknown {
  const { body, hub } = call;
  const id = typeof body === 'object' && body !== null && 'id' in body ? body.id : undefined;
  const { triggerCount, lastTriggeredMs, ...old } = subscriptionNamed(call, id);
  const subscription = { ...subscriptionOf(hub, body, old.id, old.createdMs), triggerCount, lastTriggeredMs };
  hub.subscriptions.set(old.id, subscription);
  return subscriptionJson(subscription);
}

function deleted(call: HubCall): undefined {
  call.hub.subscriptions.delete(subscriptionNamed(call, call.body).id);
}

function acknowledged(call: HubCall): unknown {
  const subscription = subscriptionNamed(call, call.body);
  subscription.errorMessage = null;
  return subscriptionJson(subscription);
}

const PARAMETERS: readonly string[] = ['JOB_ID', 'JOB_NAME', 'FROM_STATUS', 'TO_STATUS'];
const OF_ANY_EVENT: readonly string[] = ['ORGANIZATION', 'SUBCRIPTION_ID', 'SUBSCRIPTION_NAME', 'TRIGGERED_COUNT', 'TRIGGERED_ON'];

const notification = (name: string, method: Route['method'], path: string, handle: Route['handle']): Route => ({
  name,
  method,
  path: `/notification/rest/v1/${path}`,
  source: '[C:SW-notif]',
  handle,
});

export const SUBSCRIPTION_ROUTES: readonly Route[] = [
  notification('listSubscriptions', 'GET', 'eventsub', (call) => page(call, [...call.hub.subscriptions.values()], subscriptionJson)),
  notification('createSubscription', 'PUT', 'eventsub/createEventSub', created),
  notification('updateSubscription', 'POST', 'eventsub/updateEventSub', updated),
  notification('deleteSubscription', 'POST', 'eventsub/deleteEventSub', deleted),
  notification('acknowledgeSubscriptionError', 'POST', 'eventsub/ackEventSubError', acknowledged),
  notification('eventTypes', 'GET', 'events/eventTypes', ({ hub }) => [
    { value: hub.switches.statusChangeEventType, label: 'Job Status Change' },
  ]),
  notification('eventParameters', 'GET', 'el/eventParameters', ({ hub }) => ({
    [hub.switches.statusChangeEventType]: [...PARAMETERS, ...OF_ANY_EVENT],
  })),
];

/** Every path that the simulator answers; docs/control-hub-simulator.md lists the same, and a test compares. */
import { ACTION_ROUTES } from '#hosts/control-hub-simulator/routes/actions';
import { HISTORY_ROUTES } from '#hosts/control-hub-simulator/routes/histories';
import { JOB_ROUTES } from '#hosts/control-hub-simulator/routes/jobs';
import { LISTING_ROUTES } from '#hosts/control-hub-simulator/routes/listing';
import { MEASUREMENT_ROUTES } from '#hosts/control-hub-simulator/routes/measurements';
import { SEARCH_ROUTES } from '#hosts/control-hub-simulator/routes/searching';
import { STATUS_ROUTES } from '#hosts/control-hub-simulator/routes/statuses';
import { SUBSCRIPTION_ROUTES } from '#hosts/control-hub-simulator/routes/subscriptions';
import { SURROUNDING_ROUTES } from '#hosts/control-hub-simulator/routes/surroundings';
import type { Route } from './routing.ts';

export const ROUTES: readonly Route[] = [
  ...JOB_ROUTES,
  ...ACTION_ROUTES,
  ...STATUS_ROUTES,
  ...LISTING_ROUTES,
  ...HISTORY_ROUTES,
  ...MEASUREMENT_ROUTES,
  ...SEARCH_ROUTES,
  ...SURROUNDING_ROUTES,
  ...SUBSCRIPTION_ROUTES,
];

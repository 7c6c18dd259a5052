/** The table that the model is checked on keeps what the stores are promised by the real one. */
import { describe } from 'vitest';
import { dynamoCatalogStore } from '#adapters/dynamodb/catalog-store';
import { dynamoDurationStore } from '#adapters/dynamodb/duration-store';
import { dynamoJobStore } from '#adapters/dynamodb/job-store';
import { dynamoMetricSeries } from '#adapters/dynamodb/metric-series';
import { dynamoRunStore } from '#adapters/dynamodb/run-store';
import { dynamoSlotStore } from '#adapters/dynamodb/slot-store';
import { catalogStoreContract } from '#test/adapters/contracts/catalog-store.contract';
import { metricSeriesContract } from '#test/adapters/contracts/metric-series.contract';
import { durationStoreContract } from '#test/adapters/contracts/duration-store.contract';
import { jobHistoryContract } from '#test/adapters/contracts/job-history.contract';
import { jobStoreContract } from '#test/adapters/contracts/job-store.contract';
import { runAttemptsContract } from '#test/adapters/contracts/run-attempts.contract';
import { runStoreContract } from '#test/adapters/contracts/run-store.contract';
import { slotStoreContract } from '#test/adapters/contracts/slot-store.contract';
import { memoryTable } from '#test/support/memory-table';

const table = memoryTable();

describe('the run store on a table in memory', () => {
  runStoreContract(() => Promise.resolve(dynamoRunStore(table)));
  runAttemptsContract(() => Promise.resolve(dynamoRunStore(table)));
});
describe('the job store on a table in memory', () => {
  jobStoreContract(() => Promise.resolve(dynamoJobStore(table)));
  jobHistoryContract(() => Promise.resolve(dynamoJobStore(table)));
});
describe('the catalog store on a table in memory', () => {
  catalogStoreContract(() => Promise.resolve(dynamoCatalogStore(table)));
});
describe('the slot store on a table in memory', () => {
  slotStoreContract(() => Promise.resolve(dynamoSlotStore(table)));
});
describe('the duration store on a table in memory', () => {
  durationStoreContract(() => Promise.resolve(dynamoDurationStore(table)));
});
describe('the series of samples', () => {
  metricSeriesContract(() => Promise.resolve(dynamoMetricSeries(table)));
});

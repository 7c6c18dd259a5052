/** The ports of reported jobs, of job tokens and of sent events over a table. */
import { dynamoJobEventStore } from '#adapters/dynamodb/job-event-store';
import { dynamoJobOutputStore } from '#adapters/dynamodb/job-output-store';
import { dynamoJobTokenStore } from '#adapters/dynamodb/job-token-store';
import { dynamoReportedJobStore } from '#adapters/dynamodb/reported-job-store';
import type { Table } from '#adapters/dynamodb/table';
import { nodeSecrets } from '#adapters/node-crypto/secrets';
import type { JobPorts } from '#operations/job-ports';

export function jobPorts(table: Table): JobPorts {
  return {
    reportedJobs: dynamoReportedJobStore(table),
    jobEvents: dynamoJobEventStore(table),
    jobTokens: dynamoJobTokenStore(table),
    jobOutputs: dynamoJobOutputStore(table),
    secrets: nodeSecrets,
    jobPolicy: { tokenSeconds: 259_200, retentionSeconds: 2_592_000 },
  };
}

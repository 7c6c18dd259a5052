/** The ports of reported jobs, of job tokens and of sent events over a table. */
import { dynamoJobEventStore } from '#adapters/dynamodb/job-event-store';
import { dynamoJobOutputStore } from '#adapters/dynamodb/job-output-store';
import { dynamoJobTokenStore } from '#adapters/dynamodb/job-token-store';
import { dynamoReportedJobStore } from '#adapters/dynamodb/reported-job-store';
import type { Table } from '#adapters/dynamodb/table';
import { nodeSha1 } from '#adapters/node-crypto/sha1';
import { nodeTokenSecrets } from '#adapters/node-crypto/token-secrets';
import type { JobPorts } from '#operations/job-ports';

export function jobPorts(table: Table): JobPorts {
  return {
    reportedJobs: dynamoReportedJobStore(table),
    jobEvents: dynamoJobEventStore(table),
    jobTokens: dynamoJobTokenStore(table),
    jobOutputs: dynamoJobOutputStore(table),
    tokenSecrets: nodeTokenSecrets,
    sha1: nodeSha1,
    jobPolicy: { tokenSeconds: 259_200, retentionSeconds: 2_592_000 },
  };
}

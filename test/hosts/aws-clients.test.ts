/** Clients of AWS as the Lambdas make them: signed with the credentials of the environment, to wherever they are sent. */
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { ListStateMachinesCommand, SFNClient } from '@aws-sdk/client-sfn';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { parseConfiguration } from '#hosts/configuration';
import { clientOptions } from '#hosts/wiring';

const CONFIGURATION = parseConfiguration({ AWS_REGION: 'eu-west-1' });
let server: Server;
const asked: IncomingHttpHeaders[] = [];

beforeEach(async () => {
  asked.length = 0;
  server = createServer((request, response) => {
    asked.push(request.headers);
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
  vi.stubEnv('AWS_SESSION_TOKEN', 'session');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

test.each([
  ['an endpoint of its own', (endpoint: string) => clientOptions(CONFIGURATION, endpoint)],
  // What the SDK finds in its environment stands for the address that it would make of the region.
  ['the region', () => clientOptions(CONFIGURATION, undefined)],
])('DynamoDB and Step Functions by %s are asked with the credentials of the environment', async (_where, optionsOf) => {
  const endpoint = `http://localhost:${(server.address() as AddressInfo).port}`;
  vi.stubEnv('AWS_ENDPOINT_URL', endpoint);
  await new DynamoDBClient(optionsOf(endpoint)).send(new ListTablesCommand({}));
  await new SFNClient(optionsOf(endpoint)).send(new ListStateMachinesCommand({}));
  expect(asked).toHaveLength(2);
  for (const headers of asked) {
    expect(headers.authorization).toMatch(/^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/eu-west-1\//);
    expect(headers['x-amz-security-token']).toBe('session');
  }
});

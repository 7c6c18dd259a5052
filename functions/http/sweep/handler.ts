/** The sweep on demand: GET tells what it would find, POST mends it. */
import { sweepView } from '#contract/sweep-view';
import { httpHandler, route } from '#hosts/lambda/http';
import { reply } from '#hosts/lambda/replies';
import { ports } from '#hosts/wiring';
import { REPAIRS, sweep } from '#operations/sweep';

/**
 * API Gateway waits for 30 s: what is begun then has some of them left to end in. Of 3,000 open runs a look takes some 4 s, and 7 to 12 s
 * where all of them are amiss (embedded database, two cores).
 */
const WITHIN_SECONDS = 20;

async function swept(repair: boolean): Promise<ReturnType<typeof reply>> {
  const report = await sweep(ports(), { repair, withinSeconds: WITHIN_SECONDS });
  return reply(200, sweepView(report, REPAIRS));
}

export const handler = httpHandler([
  route('GET /v1/sweep', 'runs:read', () => swept(false)),
  route('POST /v1/sweep', 'admin', () => swept(true)),
]);

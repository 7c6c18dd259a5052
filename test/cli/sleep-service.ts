/** A real service whose one pattern (time to nothing) has a template with everything that a parameter can come from. */
import { systemSleepEngine } from '#test/support/sleep-engine';
import { startService, type Service } from '#test/support/service';
import { terminalOf, type Printed, type Terminal } from './terminal.ts';

const TEMPLATE = {
  name: 'Sleep',
  engine: 'sleep',
  'target-parameters': { LOADED_BY: 'sluice', OUTPUT: 7 },
  overridable: ['OUTPUT'],
  searchable: ['CITY'],
  identity: ['CITY'],
  'parameters-schema': {
    type: 'object',
    properties: { SECONDS: { type: 'number', default: 0 }, CITY: { type: 'string' }, OUTPUT: { type: 'number' } },
  },
};

export interface SleepService {
  readonly service: Service;
  readonly sluice: Terminal;
  /** Starts a run of these words, waits for its end, and answers its id. */
  ended(...words: readonly string[]): Promise<string>;
  start(...words: readonly string[]): Promise<Printed>;
}

export async function startSleepService(): Promise<SleepService> {
  const service = await startService({ engines: { sleep: systemSleepEngine() } });
  for (const id of ['tmpl_sleep', 'tmpl_doze']) await service.request('PUT', `/v1/templates/${id}`, TEMPLATE);
  await service.request('PUT', '/v1/patterns/time/nothing', { 'template-id': 'tmpl_sleep' });
  await service.request('PUT', '/v1/patterns/time/little', { 'template-id': 'tmpl_doze' });
  const sluice = terminalOf(service);
  const start: SleepService['start'] = (...words) => sluice('run', 'start', '-s', 'time', '-t', 'nothing', ...words);
  return {
    service,
    sluice,
    start,
    async ended(...words) {
      const { stdout } = await start(...words, '--wait', '--json', 'run-id');
      return (JSON.parse(stdout) as { readonly 'run-id': string })['run-id'];
    },
  };
}

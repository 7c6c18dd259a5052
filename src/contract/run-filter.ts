/** The query of `GET /v1/runs`: user-id, user-run-id, template-id, state, from, before, parameter=KEY=value. */
import { parseTemplateId } from '#domain/ids';
import { RUN_STATES } from '#domain/run';
import type { RunFilter } from '#domain/run-filter';
import { instantOf, TIME_EXPECTED } from './instants.ts';
import type { ProblemError } from './problems.ts';

type Read = { readonly filter: RunFilter } | { readonly errors: readonly ProblemError[] };

export function runFilter(query: (name: string) => string | undefined): Read {
  const errors: ProblemError[] = [];
  const read = <Value>(name: string, message: string, parse: (text: string) => Value | undefined): Value | undefined => {
    const text = query(name);
    if (text === undefined) return undefined;
    const value = parse(text);
    if (value === undefined) errors.push({ pointer: name, rule: 'format', message });
    return value;
  };
  const asked = {
    userId: query('user-id'),
    userRunId: query('user-run-id'),
    templateId: read('template-id', 'must be a template id, as tmpl_csv-to-parquet', parseTemplateId),
    state: read('state', `must be one of ${RUN_STATES.join(', ')}`, (text) => RUN_STATES.find((state) => state === text)),
    parameter: read('parameter', 'must be KEY=value, of a parameter that its template declares as searchable', parameterOf),
    from: read('from', TIME_EXPECTED, instantOf),
    before: read('before', TIME_EXPECTED, instantOf),
  };
  if (errors.length > 0) return { errors };
  return { filter: Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined)) };
}

function parameterOf(text: string): RunFilter['parameter'] {
  const at = text.indexOf('=');
  return at < 1 ? undefined : { key: text.slice(0, at), text: text.slice(at + 1) };
}

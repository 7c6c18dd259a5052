/** The query of `GET /v1/jobs/{jobId}/metrics/series`: from, to, order. */
import type { SampleRange } from '#domain/samples';
import { instantOf, TIME_EXPECTED } from './instants.ts';
import type { ProblemError } from './problems.ts';

export const SAMPLE_ORDERS = ['oldest-first', 'newest-first'] as const;
export type SampleOrder = (typeof SAMPLE_ORDERS)[number];

export function sampleRange(
  query: (name: string) => string | undefined,
): { readonly range: SampleRange } | { readonly errors: readonly ProblemError[] } {
  const errors: ProblemError[] = [];
  const timeOf = (name: 'from' | 'to'): Pick<SampleRange, 'from' | 'to'> => {
    const text = query(name);
    if (text === undefined) return {};
    const at = instantOf(text);
    if (at === undefined) errors.push({ pointer: name, rule: 'format', message: TIME_EXPECTED });
    return at === undefined ? {} : { [name]: at };
  };
  const asked = query('order') ?? 'oldest-first';
  const order = SAMPLE_ORDERS.find((each) => each === asked);
  if (order === undefined) errors.push({ pointer: 'order', rule: 'enum', message: `must be ${SAMPLE_ORDERS.join(' or ')}` });
  const range = { ...timeOf('from'), ...timeOf('to'), newestFirst: order === 'newest-first' };
  return errors.length > 0 ? { errors } : { range };
}

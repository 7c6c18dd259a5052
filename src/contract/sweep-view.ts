/** What the sweep finds, and what it did about it. */
import * as z from 'zod';
import { InstantText } from './instants.ts';

export const SweepView = z.object({
  /** As many as were looked at. */
  'open-runs': z.number(),
  'running-executions': z.number(),
  /** Not everything was looked at, or mended, because the time of a request was over: ask again, or leave it to the sweep by the clock. */
  unfinished: z.literal(true).exactOptional(),
  findings: z.array(
    z.object({
      kind: z.string(),
      'run-id': z.string().exactOptional(),
      'job-id': z.string().exactOptional(),
      execution: z.string().exactOptional(),
      resource: z.string().exactOptional(),
      since: InstantText,
      detail: z.string(),
      /** What mends it. */
      repair: z.string(),
      /** Absent where nothing was to be repaired. */
      outcome: z.enum(['repaired', 'failed']).exactOptional(),
      message: z.string().exactOptional(),
    }),
  ),
});
export type SweepView = z.infer<typeof SweepView>;

/** As the operation reports it. */
interface Report {
  readonly runs: number;
  readonly executions: number;
  readonly unfinished?: boolean;
  readonly rows: readonly {
    readonly stray: {
      readonly kind: string;
      readonly since: string;
      readonly detail: string;
      readonly run?: { readonly id: string };
      readonly runId?: string;
      readonly resource?: string;
      readonly execution?: string;
      readonly holder?: { readonly runId: string };
      readonly read?: { readonly resource: string };
      readonly row?: { readonly id: string };
    };
    readonly outcome?: { readonly kind: 'repaired' } | { readonly kind: 'failed'; readonly message: string };
  }[];
}

export function sweepView({ runs, executions, rows, unfinished }: Report, repairs: Readonly<Record<string, string>>): SweepView {
  return {
    'open-runs': runs,
    'running-executions': executions,
    ...(unfinished === true ? { unfinished } : {}),
    findings: rows.map(({ stray, outcome }) => {
      const runId = stray.run?.id ?? stray.runId ?? stray.holder?.runId;
      const resource = stray.read?.resource ?? stray.resource;
      return {
        kind: stray.kind,
        ...(runId === undefined ? {} : { 'run-id': runId }),
        ...(stray.row === undefined ? {} : { 'job-id': stray.row.id }),
        ...(stray.execution === undefined ? {} : { execution: stray.execution }),
        ...(resource === undefined ? {} : { resource }),
        since: stray.since,
        detail: stray.detail,
        repair: repairs[stray.kind] ?? '',
        ...(outcome === undefined ? {} : { outcome: outcome.kind }),
        ...(outcome?.kind === 'failed' ? { message: outcome.message } : {}),
      };
    }),
  };
}

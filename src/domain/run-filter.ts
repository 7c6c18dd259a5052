/** What a list of runs can be narrowed by; every given part holds for every run of the list. */
import type { Instant, TemplateId } from './ids.ts';
import type { RunState } from './run.ts';

export interface RunFilter {
  readonly userId?: string;
  readonly userRunId?: string;
  readonly templateId?: TemplateId;
  readonly state?: RunState;
  /** Ended runs about whose engine jobs something is left to do. */
  readonly collecting?: true;
  /** Of a parameter that the template declares as searchable; the value as `searchText` spells it. */
  readonly parameter?: { readonly key: string; readonly text: string };
  /** When the run was accepted: from, inclusive, and before, exclusive. */
  readonly from?: Instant;
  readonly before?: Instant;
}

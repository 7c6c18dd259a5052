/** What was asked of the simulator: a test can tell from it how a client behaves. */

export interface CallRecord {
  readonly atMs: number;
  /** Absent for a path that no route has. */
  readonly route: string | undefined;
  readonly method: string;
  readonly path: string;
  /** Of a body that is a list of ids: how many. */
  readonly ids: number | undefined;
  /** The HTTP status, or what became of the connection. */
  readonly outcome: number | 'dropped' | 'hung';
}

export interface CallLog {
  record(call: CallRecord): void;
  /** All, or those of a route, oldest first; the log keeps as many as it was given room for. */
  of(route?: string): readonly CallRecord[];
  /** Since the last clear, also of calls that the log has let go. */
  count(route: string): number;
  counts(): Readonly<Record<string, number>>;
  clear(): void;
}

const UNKNOWN = 'unknown';

export function callLog(kept: number): CallLog {
  let records: CallRecord[] = [];
  const counts = new Map<string, number>();
  return {
    record(call) {
      const route = call.route ?? UNKNOWN;
      counts.set(route, (counts.get(route) ?? 0) + 1);
      records.push(call);
      // Seldom, so that letting go costs little for each call.
      if (records.length > 2 * kept) records = records.slice(-kept);
    },
    of: (route) => (route === undefined ? [...records] : records.filter((call) => call.route === route)),
    count: (route) => counts.get(route) ?? 0,
    counts: () => Object.fromEntries(counts),
    clear() {
      records = [];
      counts.clear();
    },
  };
}

/**
 * How many retries this process may make, over all of its calls: a bucket that successes fill slowly. While Control Hub is well a
 * call that met a dropped connection is simply repeated; while it is down the bucket is soon empty, and every call is made once.
 */

export interface RetryBudget {
  /** Whether one more retry may be made; takes it. */
  take(): boolean;
  succeeded(): void;
  readonly left: number;
}

const MOST_RETRIES = 20;
/** A tenth: where less than one in eleven calls fails, every one of them is retried. */
const PER_SUCCESS = 0.1;

export function retryBudget(most = MOST_RETRIES, perSuccess = PER_SUCCESS): RetryBudget {
  let left = most;
  return {
    take() {
      if (left < 1) return false;
      left -= 1;
      return true;
    },
    succeeded() {
      left = Math.min(most, left + perSuccess);
    },
    get left() {
      return left;
    },
  };
}

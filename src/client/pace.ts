/** Time as the client needs it; a test drives its own. */
export interface Pace {
  nowMs(): number;
  wait(ms: number): Promise<void>;
}

/** Time that does not jump when somebody sets the clock. */
export const realPace: Pace = {
  nowMs: () => performance.now(),
  wait: (ms) =>
    new Promise((resolve) => {
      setTimeout(resolve, ms);
    }),
};

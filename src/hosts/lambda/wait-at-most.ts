/** Waits for work no longer than that; rejects as it does until then. What is left of it ends with the process, or goes on unseen. */
export async function waitAtMost(milliseconds: number, work: Promise<unknown>): Promise<void> {
  let handle: NodeJS.Timeout | undefined;
  const over = new Promise<void>((resolve) => {
    handle = setTimeout(resolve, milliseconds);
  });
  try {
    await Promise.race([work, over]);
  } finally {
    clearTimeout(handle);
  }
}

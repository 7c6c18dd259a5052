/** Telling whoever looks after the host why the store does not take what is to be kept: once, and again where it is for another reason. */
/** Each reason once, until the store takes something again; not what has passed at the next try. */
export function troubleTelling(tell: (line: string) => void): { readonly met: (why: string) => void; readonly over: () => void } {
  const told = new Set<string>();
  let tries = 0;
  return {
    met(why) {
      tries += 1;
      if (tries < 2 || told.has(why)) return;
      told.add(why);
      tell(`The store does not take what executions are to keep: ${why}. It is asked again until it does; requests are answered 503.`);
    },
    over() {
      if (told.size > 0) tell('The store takes what executions are to keep again.');
      told.clear();
      tries = 0;
    },
  };
}

/** In its own words. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { name, message } = error;
  if (message === '') return name;
  return name === 'Error' || name === 'CheckpointRefused' ? message : `${name}: ${message}`;
}

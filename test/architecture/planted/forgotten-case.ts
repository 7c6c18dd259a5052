/** Planted for test/architecture/import-rules.test.ts: the case of an aborted run is forgotten. */
import type { Closing } from '#domain/run';

export function forgotten(closing: Closing): string {
  let told = 'nothing';
  switch (closing.reason) {
    case 'cancelled':
      told = 'cancelled';
      break;
  }
  return told;
}

/** Instants and spans in the console's words. Pure: the present is given. */
import { duration } from '#client/run-words';
import type { JobView, RunView } from '#contract/views';

/** `2026-11-21 08:00:07 UTC`, of an instant as the API writes it. */
export const utc = (instant: string): string => `${instant.slice(0, 19).replace('T', ' ')} UTC`;

/** From its acceptance to its end, or to now. A clock that is behind the service's does not make time run backwards. */
export function elapsed(run: Pick<RunView, 'created-at' | 'finished-at'>, nowMs: number): string {
  const end = run['finished-at'];
  return duration(Math.max(0, (end === undefined ? nowMs : Date.parse(end)) - Date.parse(run['created-at'])));
}

/** `in 12 s`; `now` where the time has come; undefined where nothing is to be looked at any more. */
export function nextPoll(run: Pick<RunView, 'next-poll-at'>, nowMs: number): string | undefined {
  const at = run['next-poll-at'];
  if (at === undefined) return undefined;
  const seconds = Math.ceil((Date.parse(at) - nowMs) / 1000);
  return seconds <= 0 ? 'now' : seconds < 120 ? `in ${seconds} s` : `in ${duration(seconds * 1000)}`;
}

export function jobDuration({ metrics }: JobView): string {
  const ms = metrics?.['duration-ms'];
  return ms === undefined ? '' : duration(ms);
}

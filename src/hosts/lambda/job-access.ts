/**
 * Who may do what with one job: the holder of an API token with the scope, or the holder of the job's own token. Whatever is
 * wrong with a token is answered alike: that there is such a job is told to the holders of API tokens alone.
 */
import type { AnyJobId } from '#domain/ids';
import type { JobTokenUse } from '#domain/job-token';
import { jobPorts } from '#hosts/wiring';
import { verifyJobToken, type VerifiedToken } from '#operations/job-tokens';
import { allows, refusedLate, type Caller } from './authentication.ts';
import type { JobRequest } from './http.ts';
import { problem, type HttpReply } from './replies.ts';

export type Holder =
  { readonly kind: 'caller'; readonly caller: Caller } | { readonly kind: 'job-token'; readonly verified: VerifiedToken };

export type Access = { readonly holder: Holder } | { readonly reply: HttpReply };

/** `bodyToken`: where the body of a request may bring the job's token. */
export async function jobAccess(request: JobRequest, bodyToken?: string): Promise<Access> {
  const presented = presentedToken(request) ?? bodyToken;
  if (presented !== undefined) {
    const jobId = request.path('jobId');
    const verified = await refusedLate(() => verifyJobToken(jobPorts(), { jobId, presented, from: request.sourceIp }));
    return verified ? { holder: { kind: 'job-token', verified } } : { reply: notAuthenticated() };
  }
  const { caller, scope } = request;
  if (!caller) return { reply: notAuthenticated() };
  if (allows(caller, scope)) return { holder: { kind: 'caller', caller } };
  return { reply: problem('not-allowed', `this needs a token with the scope ${scope}, or the token of the job`) };
}

/** The query is for those who can only call a URL. */
export function presentedToken({ header, query }: Pick<JobRequest, 'header' | 'query'>): string | undefined {
  const [, bearer] = /^Bearer +(slj_\S*)$/i.exec(header('authorization') ?? '') ?? [];
  return bearer ?? header('x-sluice-job-token') ?? query('token');
}

export function notAuthenticated(): HttpReply {
  const detail = 'send a valid token of this job (Authorization: Bearer slj_…, X-Sluice-Job-Token, or token), or an API token';
  const reply = problem('not-authenticated', detail);
  return { ...reply, headers: { ...reply.headers, 'www-authenticate': 'Bearer' } };
}

/** Who stands in the history. */
export const actorOf = (holder: Holder): string =>
  holder.kind === 'caller' ? holder.caller.name : `job token ${holder.verified.token.id}`;

/** A use that is due to be recorded, for an event to take into its transaction. */
export function tokenUseOf(holder: Holder): (JobTokenUse & { readonly tokenId: string }) | undefined {
  if (holder.kind === 'caller' || !holder.verified.use) return undefined;
  return { tokenId: holder.verified.token.id, ...holder.verified.use };
}

/** For what writes nothing else. */
export async function recordJobTokenUse(holder: Holder): Promise<void> {
  const use = tokenUseOf(holder);
  if (holder.kind === 'job-token' && use) await jobPorts().jobTokens.recordUse(holder.verified.job, use.tokenId, use);
}

export const noSuchJob = (id: AnyJobId | string): HttpReply => problem('not-found', `there is no job ${id}`);

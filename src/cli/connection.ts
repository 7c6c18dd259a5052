/** Which service, and with which token: flag before environment before file. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError, type Invocation } from './command.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Connection {
  readonly url: string;
  readonly token: string | undefined;
  /** A job's own: for the commands that report a job. */
  readonly jobToken: string | undefined;
}

export function connectionOf(invocation: Invocation, environment: Environment): Connection {
  const given = (flag: string, variable: string): string | undefined => {
    const fromEnvironment = environment[variable];
    return invocation.text(flag) ?? (fromEnvironment === '' ? undefined : fromEnvironment);
  };
  const url = given('url', 'SLUICE_URL') ?? 'http://127.0.0.1:8888';
  if (!/^https?:\/\//.test(url) || !URL.canParse(url)) throw new UsageError(`"${url}" is no http(s) address`);
  const dataDir = given('data-dir', 'SLUICE_DATA_DIR');
  const jobToken = environment['SLUICE_JOB_TOKEN'];
  return {
    url,
    token: given('token', 'SLUICE_TOKEN') ?? tokenOfFile(new URL(url), dataDir),
    jobToken: jobToken === '' ? undefined : jobToken,
  };
}

/** A local service's token is for that service: it does not leave the machine unless somebody names its directory. */
function tokenOfFile(url: URL, dataDir: string | undefined): string | undefined {
  if (dataDir === undefined && !isLoopback(url.hostname)) return undefined;
  try {
    return readFileSync(join(dataDir ?? '.sluice', 'token'), 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new UsageError(error instanceof Error ? error.message : 'the token file cannot be read');
  }
}

const isLoopback = (host: string): boolean => host === 'localhost' || host === '[::1]' || host.startsWith('127.');

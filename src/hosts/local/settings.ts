/** What the local host can be told, by environment or by flag of the same name: `SLUICE_PORT` is `--port`. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import * as z from 'zod';
import { ArchiveRoot } from '#contract/archive-root';
import { CONTROL_HUB_SETTINGS, WebhookSecretReference, type ControlHubSettings } from '#contract/control-hub-settings';
import { EngineLimits } from '#contract/engine-limits';
import type { Policy } from '#operations/ports';

function wholeNumber(from: number, to?: number): z.ZodType<number, string> {
  const told = `must be a whole number ${to === undefined ? `of at least ${from}` : `from ${from} to ${to}`}`;
  return z
    .string()
    .regex(/^[0-9]{1,15}$/, told)
    .transform(Number)
    .refine((number) => number >= from && number <= (to ?? Number.MAX_SAFE_INTEGER), told);
}

const Settings = z.object({
  SLUICE_PORT: wholeNumber(0, 65_535).default(8888),
  SLUICE_HOST: z.string().default('127.0.0.1'),
  SLUICE_STEP_FUNCTIONS_PORT: z.coerce.number().int().min(0).max(65_535).default(0),
  SLUICE_DATA_DIR: z.string().default('.sluice'),
  SLUICE_OUTPUT_ROOT: z.string().optional(),
  SLUICE_INPUT_ROOT: z.string().default('.'),
  SLUICE_DYNAMODB_ENDPOINT: z.url({ protocol: /^https?$/, error: 'must be a URL: http://127.0.0.1:8000' }).optional(),
  SLUICE_PARALLEL: wholeNumber(1, 64).default(2),
  SLUICE_POLL_FLOOR_SECONDS: wholeNumber(1).default(2),
  SLUICE_ENGINE_LIMITS: EngineLimits,
  SLUICE_ARCHIVE_ROOT: ArchiveRoot.optional(),
  SLUICE_JOB_TOKEN_SECONDS: wholeNumber(60).optional(),
  SLUICE_JOB_RETENTION_SECONDS: wholeNumber(60).optional(),
  SLUICE_ALLOW_ANONYMOUS: z.stringbool().default(false),
  ...CONTROL_HUB_SETTINGS,
  SLUICE_CONTROL_HUB_SIMULATOR: z.stringbool().default(false),
  SLUICE_CONTROL_HUB_WEBHOOK_SECRET: WebhookSecretReference.exactOptional(),
});

export interface LocalSettings {
  readonly port: number;
  readonly host: string;
  /** On loopback only: nobody is asked for credentials there. Absent or 0: any that is free. */
  readonly stepFunctionsPort?: number;
  readonly dataDir: string;
  readonly outputRoot: string;
  readonly inputRoot: string;
  readonly dynamodbEndpoint?: string;
  /** DuckDB jobs that run at once. */
  readonly parallel: number;
  readonly pollFloorSeconds: number;
  readonly engineLimits: Policy['engineLimits'];
  readonly allowAnonymous: boolean;
  /** Of jobs that report themselves; where nothing is said, the configuration has what holds. */
  readonly jobTokenSeconds?: number | undefined;
  readonly jobRetentionSeconds?: number | undefined;
  readonly controlHub?: ControlHubSettings;
  /** In place of a Control Hub, one that this host simulates. */
  readonly controlHubSimulator?: boolean;
  /** A reference. */
  readonly controlHubWebhookSecret?: string;
  readonly archiveRoot?: ArchiveRoot;
}

/** @param command what the flags follow, as it was typed */
export const helpOf = (
  command: string,
): string => `Starts Sluice on this machine: API, embedded DynamoDB, embedded Step Functions, embedded DuckDB engine.

  ${command} [flags]

  --port NUMBER                 where the API listens; 0 takes any free port      (8888)
  --host ADDRESS                the address it listens on                         (127.0.0.1)
  --step-functions-port NUMBER  where the embedded Step Functions listens, on     (0)
                                this machine alone; 0 takes any free port
  --data-dir DIRECTORY          where everything is kept                          (.sluice)
  --input-root DIRECTORY        jobs read files below it                          (.)
  --output-root DIRECTORY       jobs write files below it                         (<data-dir>/output)
  --archive-root DIRECTORY      archives of jobs that report themselves           (<data-dir>/archives)
  --dynamodb-endpoint URL       another DynamoDB than the embedded one
  --parallel NUMBER             DuckDB jobs that run at once                      (2)
  --poll-floor-seconds NUMBER   no run is polled more often by its watch loop     (2)
  --engine-limits JSON          what an engine bears from all runs together:      ({})
                                {"duckdb":{"max-parallel":4,"starts-per-second":1}}
  --control-hub-url URL         StreamSets Control Hub; found by the token where it is not given
  --control-hub-credential-id ID          of the API credentials, or a reference as below
  --control-hub-auth-token REFERENCE      env:NAME, file:path, ssm:name or secretsmanager:name
  --control-hub-project ID      --control-hub-allowed-hosts HOST,HOST
  --control-hub-status-chunk NUMBER                                               (100)
  --control-hub-fence-seconds NUMBER                                              (120)
  --control-hub-metrics-settle-seconds NUMBER                                     (180)
                                what they are for: docs/control-hub.md
  --control-hub-webhook-secret REFERENCE  of what its pushes carry: docs/control-hub-push.md
  --control-hub-simulator       simulates a Control Hub on this machine, for trying without an account
  --job-token-seconds NUMBER    how long the token of a job holds                 (259200)
  --job-retention-seconds NUMBER
                                how long a deleted job is kept                    (2592000)
  --allow-anonymous             no token needed; on a loopback address only
  --help

Each flag is also an environment variable: --data-dir is SLUICE_DATA_DIR.
`;

export type ParsedSettings =
  | { readonly kind: 'settings'; readonly settings: LocalSettings }
  | { readonly kind: 'help' }
  | { readonly kind: 'invalid'; readonly message: string };

export function parseSettings(args: readonly string[], environment: Readonly<Record<string, string | undefined>>): ParsedSettings {
  const flags = parsedFlags(args);
  if (typeof flags === 'string') return { kind: 'invalid', message: flags };
  if (flags['help'] === true) return { kind: 'help' };
  const given = Object.entries(flags).map(([flag, value]) => [`SLUICE_${flag.toUpperCase().replaceAll('-', '_')}`, String(value)] as const);
  const set = Object.entries(environment).filter(([, value]) => value !== undefined && value !== '');
  const parsed = Settings.safeParse({ ...Object.fromEntries(set), ...Object.fromEntries(given) });
  if (!parsed.success) return { kind: 'invalid', message: parsed.error.issues.map((issue) => issueText(issue, flags)).join('\n') };
  const settings = localSettings(parsed.data);
  if (settings.allowAnonymous && !isLoopback(settings.host)) {
    return { kind: 'invalid', message: '--allow-anonymous is for a loopback address only: anybody on the network could start jobs' };
  }
  const { SLUICE_CONTROL_HUB_URL: url, SLUICE_CONTROL_HUB_AUTH_TOKEN: token } = parsed.data;
  if (parsed.data.SLUICE_CONTROL_HUB_SIMULATOR && (url ?? token) !== undefined) {
    return {
      kind: 'invalid',
      message: '--control-hub-simulator takes the place of the Control Hub that is set by URL or token: give one of the two',
    };
  }
  return { kind: 'settings', settings };
}

/** Under the name that it was given by. */
function issueText({ path, message }: z.core.$ZodIssue, flags: Readonly<Record<string, unknown>>): string {
  const [variable = '', ...within] = path.map(String);
  const flag = variable.slice('SLUICE_'.length).toLowerCase().replaceAll('_', '-');
  return `${[flag in flags ? `--${flag}` : variable, ...within].join('.')}: ${message}`;
}

const CONTROL_HUB_FLAGS = Object.keys(CONTROL_HUB_SETTINGS).map((name) => name.slice('SLUICE_'.length).toLowerCase().replaceAll('_', '-'));

function parsedFlags(args: readonly string[]): Readonly<Record<string, string | boolean | undefined>> | string {
  const text = { type: 'string' } as const;
  try {
    return parseArgs({
      args: [...args],
      options: {
        port: text,
        host: text,
        'step-functions-port': text,
        'data-dir': text,
        'input-root': text,
        'output-root': text,
        'archive-root': text,
        'dynamodb-endpoint': text,
        parallel: text,
        'poll-floor-seconds': text,
        'engine-limits': text,
        'control-hub-webhook-secret': text,
        'job-token-seconds': text,
        'job-retention-seconds': text,
        'allow-anonymous': { type: 'boolean' },
        ...Object.fromEntries(CONTROL_HUB_FLAGS.map((flag) => [flag, text])),
        'control-hub-simulator': { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    // What follows tells of positional arguments, of which there are none here.
    return error instanceof Error ? error.message.replace(/\. To specify a positional argument .*$/s, '') : 'unreadable flags';
  }
}

function localSettings(parsed: z.infer<typeof Settings>): LocalSettings {
  const dataDir = resolve(parsed.SLUICE_DATA_DIR);
  const root = parsed.SLUICE_ARCHIVE_ROOT;
  return {
    port: parsed.SLUICE_PORT,
    host: parsed.SLUICE_HOST,
    stepFunctionsPort: parsed.SLUICE_STEP_FUNCTIONS_PORT,
    dataDir,
    outputRoot: resolve(parsed.SLUICE_OUTPUT_ROOT ?? `${dataDir}/output`),
    inputRoot: resolve(parsed.SLUICE_INPUT_ROOT),
    ...(parsed.SLUICE_DYNAMODB_ENDPOINT === undefined ? {} : { dynamodbEndpoint: parsed.SLUICE_DYNAMODB_ENDPOINT }),
    parallel: parsed.SLUICE_PARALLEL,
    pollFloorSeconds: parsed.SLUICE_POLL_FLOOR_SECONDS,
    engineLimits: parsed.SLUICE_ENGINE_LIMITS,
    allowAnonymous: parsed.SLUICE_ALLOW_ANONYMOUS,
    jobTokenSeconds: parsed.SLUICE_JOB_TOKEN_SECONDS,
    jobRetentionSeconds: parsed.SLUICE_JOB_RETENTION_SECONDS,
    controlHub: parsed,
    controlHubSimulator: parsed.SLUICE_CONTROL_HUB_SIMULATOR,
    ...(parsed.SLUICE_CONTROL_HUB_WEBHOOK_SECRET === undefined
      ? {}
      : { controlHubWebhookSecret: parsed.SLUICE_CONTROL_HUB_WEBHOOK_SECRET }),
    ...(root === undefined ? {} : { archiveRoot: root.kind === 'directory' ? { ...root, path: resolve(root.path) } : root }),
  };
}

const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || host.startsWith('127.');

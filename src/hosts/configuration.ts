/** The environment of a process, parsed once. Nothing else reads `process.env`. */
import * as z from 'zod';
import { ArchiveRoot } from '#contract/archive-root';
import { CONTROL_HUB_SETTINGS, WebhookSecretReference } from '#contract/control-hub-settings';
import { EngineLimits } from '#contract/engine-limits';

const Configuration = z.object({
  /** The table. */
  SLUICE_TABLE: z.string().min(3).default('sluice'),
  SLUICE_DYNAMODB_ENDPOINT: z.url().exactOptional(),
  SLUICE_STEP_FUNCTIONS_ENDPOINT: z.url().exactOptional(),
  SLUICE_RUN_STATE_MACHINE_ARN: z.string().default(''),
  SLUICE_WATCH_STATE_MACHINE_ARN: z.string().default(''),
  SLUICE_NUDGE_STATE_MACHINE_ARN: z.string().default(''),
  /** Reference to the secret that Control Hub's pushes carry; without it none is believed. */
  SLUICE_CONTROL_HUB_WEBHOOK_SECRET: WebhookSecretReference.exactOptional(),
  SLUICE_ENGINE_LIMITS: EngineLimits,
  SLUICE_POLL_FLOOR_SECONDS: z.coerce.number().int().min(1).default(5),
  /** Absent: jobs have no archives that could be listed or cleared. */
  SLUICE_ARCHIVE_ROOT: ArchiveRoot.exactOptional(),
  /** Of another store than AWS that speaks S3. */
  SLUICE_ARCHIVE_ENDPOINT: z.url().exactOptional(),
  /** How long a job's token holds: 72 hours. */
  SLUICE_JOB_TOKEN_SECONDS: z.coerce.number().int().min(60).default(259_200),
  /** How long a deleted job is kept: 30 days. */
  SLUICE_JOB_RETENTION_SECONDS: z.coerce.number().int().min(60).default(2_592_000),
  AWS_REGION: z.string().default('local'),
  ...CONTROL_HUB_SETTINGS,
});
export type Configuration = z.infer<typeof Configuration>;

export function parseConfiguration(environment: Readonly<Record<string, string | undefined>>): Configuration {
  const set = Object.entries(environment).filter(([, value]) => value !== undefined && value !== '');
  const parsed = Configuration.safeParse(Object.fromEntries(set));
  if (parsed.success) return parsed.data;
  const told = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new Error(`The configuration is not valid. ${told.join('; ')}`);
}

export const environmentConfiguration = (): Configuration => parseConfiguration(process.env);

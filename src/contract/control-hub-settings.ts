/** `SLUICE_CONTROL_HUB_*`, in the environment of a function as in the settings of a local host. What each is for: docs/control-hub.md. */
import * as z from 'zod';

const REFERENCES = 'env:NAME, file:path, ssm:name or secretsmanager:name';

/** Of what a secret is for: where it is kept, never itself. */
const referenceTo = (secret: string): z.ZodString =>
  z.string().regex(/^(env|file|ssm|secretsmanager):.+/, `must say where the ${secret} is kept, and not be the ${secret}: ${REFERENCES}`);

/** A value that is refused here is not repeated by the message: it may be the token. */
export const CONTROL_HUB_SETTINGS = {
  SLUICE_CONTROL_HUB_URL: z
    .string()
    .refine(isServiceUrl, 'must be the https address of Control Hub, without a path of its pages')
    .exactOptional(),
  SLUICE_CONTROL_HUB_CREDENTIAL_ID: z.string().min(1).exactOptional(),
  SLUICE_CONTROL_HUB_AUTH_TOKEN: referenceTo('token').exactOptional(),
  SLUICE_CONTROL_HUB_PROJECT: z.string().min(1).exactOptional(),
  /** Beside those of StreamSets, separated by commas. */
  SLUICE_CONTROL_HUB_ALLOWED_HOSTS: z
    .string()
    .default('')
    .transform((text) => text.split(',').flatMap((host) => (host.trim() === '' ? [] : [host.trim()]))),
  SLUICE_CONTROL_HUB_STATUS_CHUNK: z.coerce.number().int().min(1).max(1000).default(100),
  /** Not 0: that would say that a start may be repeated. */
  SLUICE_CONTROL_HUB_FENCE_SECONDS: z.coerce.number().int().min(1).max(3600).default(120),
  SLUICE_CONTROL_HUB_METRICS_SETTLE_SECONDS: z.coerce.number().int().min(0).max(3600).default(180),
};

/** Of what its pushes carry (docs/control-hub-push.md): a setting of those who receive them, and of no engine. */
export const WebhookSecretReference = referenceTo('secret');

const ControlHubSettings = z.object(CONTROL_HUB_SETTINGS);
export type ControlHubSettings = z.infer<typeof ControlHubSettings>;

/** As nobody has set anything. */
export const NO_CONTROL_HUB: ControlHubSettings = ControlHubSettings.parse({});

/** Plain HTTP is for a simulator on this machine. */
function isServiceUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, search, hash, username } = new URL(text);
  if (search !== '' || hash !== '' || username !== '') return false;
  return (
    protocol === 'https:' || (protocol === 'http:' && (hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.')))
  );
}

/**
 * The credentials of a Lambda: always in its environment, so the SDK's chain (profiles, SSO, instance metadata, web identity)
 * and the clients that it carries are left out of the bundles, about 110 KB of each. The build puts this in the chain's place.
 */
import { fromEnv } from '@aws-sdk/credential-provider-env';

export const defaultProvider = fromEnv;

/**
 * The first administrator's token, or the next one after all are lost: `aws lambda invoke`, by somebody with the IAM right to
 * do so, answers it. Nothing else invokes this, and its result is in nobody's log. The local host does not have it: there the
 * token file of the data directory is what the owner of the machine has.
 */
import { AdminTokenRequest, tokenView, validUntilOf, type TokenCreated } from '#contract/tokens';
import { Fault } from '#domain/faults';
import { digestOfSecret, newSecret, tokenText } from '#hosts/lambda/authentication';
import { taskHandler } from '#hosts/lambda/task';
import { corePorts } from '#hosts/wiring';
import { createApiToken } from '#operations/create-api-token';

export const handler = taskHandler(AdminTokenRequest, async (asked): Promise<TokenCreated> => {
  const now = corePorts().clock.now();
  const validUntil = validUntilOf(asked, now);
  const secret = newSecret();
  const outcome = await createApiToken(corePorts(), {
    name: asked.name,
    scopes: ['admin'],
    secretDigest: digestOfSecret(secret),
    ...(validUntil === undefined ? {} : { validUntil }),
    maker: { name: 'bootstrap', scopes: ['admin'] },
  });
  if (outcome.kind !== 'created') throw new Fault('TaskInputInvalid', `no token was made: ${outcome.kind}`);
  return { ...tokenView(outcome.token, now), token: tokenText(outcome.token.id, secret) };
});

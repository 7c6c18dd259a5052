/** `sluice token create`, `list` and `revoke`: who may call the service. */
import { TokenCreated, TokenView, type TokenRequest } from '#contract/tokens';
import { UsageError, type Command, type Invocation } from './command.ts';
import { numberFlag } from './flags.ts';
import { jsonText } from './json-text.ts';
import { table } from './table.ts';
import { take } from './take.ts';

const SCOPES = TokenView.shape.scopes.element.options;
const ID = '01K8ZC0ED8QZV7N5T9X1M3B2AR';

export const tokenCreate: Command = {
  group: 'token',
  name: 'create',
  summary: 'Makes an API token and prints it, which nothing can do again.',
  operands: ['NAME'],
  flags: {
    scope: { value: 'SCOPE', multiple: true, help: `what it may do, one or more of ${SCOPES.join(', ')}` },
    'expires-in-seconds': { value: 'SECONDS', help: 'how long it is valid (until it is revoked)' },
    'expires-at': { value: 'TIME', help: 'until when it is valid, with a zone: 2027-01-01T00:00:00Z' },
  },
  fields: Object.keys(TokenCreated.shape),
  notes: `The token alone goes to stdout. NAME is what runs and jobs keep of who asked for them, so each is given once: to replace a token,
make another one (ci-2), and revoke the first when nobody uses it any more: token list says when and from where each was used.
The scope admin includes all others. It needs a token of an administrator.`,
  examples: [
    'sluice token create ci --scope runs:read --scope runs:write --expires-in-seconds 7776000',
    'sluice token create grace --scope admin > grace.token',
  ],
  undone: 'no token was made',
  async run({ client, stdout, stderr }, invocation) {
    const created = await client.createToken(requestOf(invocation));
    const { 'token-id': id, 'expires-at': until } = created;
    stderr.write(
      `${created.name} is ${id}, valid ${until === undefined ? 'until it is revoked' : `until ${until}`}. Keep the token: it is not shown again.\n`,
    );
    stdout.write(invocation.json ? jsonText(created, invocation.json) : `${created.token}\n`);
    return 0;
  },
};

function requestOf(invocation: Invocation): TokenRequest {
  const scopes = invocation.given.flatMap(({ name, value = '' }) => (name === 'scope' ? value.split(',') : []));
  if (scopes.length === 0) throw new UsageError(`--scope is missing; it takes ${SCOPES.join(', ')}`);
  const seconds = numberFlag(invocation, 'expires-in-seconds', 60);
  const at = invocation.text('expires-at');
  return {
    name: invocation.operands[0] ?? '',
    scopes: scopes.map(scopeOf),
    ...(seconds === undefined ? {} : { 'expires-in-seconds': seconds }),
    ...(at === undefined ? {} : { 'expires-at': at }),
  };
}

function scopeOf(word: string): TokenRequest['scopes'][number] {
  const scope = SCOPES.find((each) => each === word);
  if (scope === undefined) throw new UsageError(`--scope knows no "${word}"; it takes ${SCOPES.join(', ')}`);
  return scope;
}

const TOKENS_SHOWN = 50;

export const tokenList: Command = {
  group: 'token',
  name: 'list',
  summary: 'Lists the API tokens, newest first: what each may do, and when and from where it was used last.',
  operands: [],
  flags: { limit: { short: 'L', value: 'NUMBER', help: `how many (${TOKENS_SHOWN})` } },
  fields: Object.keys(TokenView.shape),
  notes: 'What has expired or was revoked stays listed for 90 days. A use is recorded once a minute. It needs a token of an administrator.',
  examples: ['sluice token list', 'sluice token list --json token-id,name,last-used-at'],
  undone: 'the tokens cannot be listed',
  async run({ client, stdout, stderr }, invocation) {
    const limit = numberFlag(invocation, 'limit', 1) ?? TOKENS_SHOWN;
    const { items, more } = await take(limit, (page) => client.tokens(page));
    if (more) stderr.write(`Shown: the newest ${limit}; --limit shows more.\n`);
    stdout.write(invocation.json ? jsonText(items, invocation.json) : tokenTable(items));
    return 0;
  },
};

function tokenTable(tokens: readonly TokenView[]): string {
  const columns = ['TOKEN', 'NAME', 'STATE', 'SCOPES', 'EXPIRES', 'LAST USED', 'FROM'].map((title) => ({ title }));
  const rows = tokens.map((token) => [
    token['token-id'],
    token.name,
    token.state,
    token.scopes.join(','),
    token['expires-at'] ?? '',
    token['last-used-at'] ?? '',
    token['last-used-from'] ?? '',
  ]);
  return table(columns, rows);
}

export const tokenRevoke: Command = {
  group: 'token',
  name: 'revoke',
  summary: 'Revokes an API token: from the next request on it opens nothing.',
  operands: ['TOKEN-ID'],
  flags: { 'even-if-last': { help: 'also the last one that may make others' } },
  fields: Object.keys(TokenView.shape),
  notes: `The id alone goes to stdout. Revoking it again changes nothing. After the last administrator's token, a restart of a local
service makes a new one; on AWS, whoever may invoke the function createAdminToken does.`,
  examples: [`sluice token revoke ${ID}`],
  undone: 'the token was not revoked',
  async run({ client, stdout, stderr }, invocation) {
    const [id = ''] = invocation.operands;
    // Its secret would stand in the address, which proxies log.
    if (id.startsWith('slc_')) throw new UsageError('TOKEN-ID is the id alone, without slc_ and without what follows the dot');
    const revoked = await client.revokeToken(id, { evenIfLast: invocation.has('even-if-last') });
    stderr.write(`${revoked.name} was revoked at ${revoked['revoked-at'] ?? ''} by ${revoked['revoked-by'] ?? ''}.\n`);
    stdout.write(invocation.json ? jsonText(revoked, invocation.json) : `${id}\n`);
    return 0;
  },
};

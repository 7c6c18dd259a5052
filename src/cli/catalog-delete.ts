/** `sluice catalog delete`: a template that nobody uses, or a pattern. */
import { UsageError, type Command } from './command.ts';
import { numberFlag } from './flags.ts';
import { jsonText } from './json-text.ts';

export const catalogDelete: Command = {
  group: 'catalog',
  name: 'delete',
  summary: 'Deletes a template that no pattern names and no open run uses, or a pattern.',
  operands: ['template|pattern', 'ID|SOURCE', '[TARGET]'],
  flags: { version: { value: 'NUMBER', help: 'only if this is the newest version' } },
  fields: ['change', 'kind', 'name'],
  notes: `The versions of a deleted template stay: old runs still show what they ran, catalog view --version shows them, and a template
that is registered under the same id later goes on with the next version.`,
  examples: ['sluice catalog delete template tmpl_csv-to-parquet', 'sluice catalog delete pattern csv parquet --version 2'],
  undone: 'nothing was deleted',
  async run({ client, stdout }, invocation) {
    const [kind, first = '', target] = invocation.operands;
    const version = numberFlag(invocation, 'version', 1);
    const expected = version === undefined ? undefined : { version };
    let name: string;
    if (kind === 'template') {
      if (target !== undefined) throw new UsageError(`"${target}" is one word too many`);
      await client.deleteTemplate(first, expected);
      name = first;
    } else if (kind === 'pattern') {
      if (target === undefined) throw new UsageError('TARGET is missing');
      await client.deletePattern({ 'source-type': first, 'target-type': target }, expected);
      name = `${first} to ${target}`;
    } else throw new UsageError(`"${kind ?? ''}" is neither template nor pattern`);
    const change = 'deleted';
    if (invocation.json) stdout.write(jsonText({ change, kind, name }, invocation.json));
    else stdout.write(`${change}  ${kind}  ${name}\n`);
    return 0;
  },
};

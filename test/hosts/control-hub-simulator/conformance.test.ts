/** The simulator's page says what it is: paths, switches and parameters are compared with the code, both ways. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ROUTES } from '#hosts/control-hub-simulator/routes';
import { PLAN_PARAMETERS, RUN_ENDS } from '#hosts/control-hub-simulator/run-plan';
import { Fault, Switches } from '#hosts/control-hub-simulator/switches';
import { WEBHOOK_PAYLOAD } from '#hosts/control-hub-simulator/webhooks';
import { asking } from './asking.ts';

const page = readFileSync('docs/control-hub-simulator.md', 'utf8');

/** The cells of the rows of the table that stands first below a heading. */
function tableBelow(heading: string): readonly (readonly string[])[] {
  const [, below] = page.split(new RegExp(`^#+ ${heading}$`, 'm'));
  if (below === undefined) throw new Error(`the page has no heading ${heading}`);
  const rows = (/(?:^\|.*\n)+/m.exec(below)?.[0] ?? '').trim().split('\n').slice(2);
  return rows.map((row) =>
    row
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  );
}
const code = (cell = ''): string => /^`(.*)`$/.exec(cell)?.[1] ?? cell;

describe('the page of the simulator', () => {
  test('lists every path with its source, and none that is not there', () => {
    const listed = tableBelow('Paths').map(([name, path, source]) => [code(name), code(path), source]);
    const implemented = ROUTES.map(({ name, method, path, source }) => [name, `${method} ${path}`, source.replaceAll(/[[\]]/g, '')]);
    expect(listed).toEqual(implemented);
    expect(new Set(ROUTES.map(({ name }) => name)).size).toBe(ROUTES.length);
    expect(new Set(ROUTES.map(({ method, path }) => `${method} ${path}`)).size).toBe(ROUTES.length);
    for (const [name, , , simulated] of tableBelow('Paths')) expect([name, simulated]).toEqual([name, expect.stringMatching(/\w/)]);
  });

  test('names a source of the contract for every path', () => {
    for (const { name, source } of ROUTES)
      expect([name, source]).toEqual([
        name,
        expect.stringMatching(/^\[C:(?:SW-(?:job|pipe|notif|sec)|SDK)\b[\w ,+-]*\]$|^contract \d\.\d, untagged$/),
      ]);
  });

  test('lists every switch with its default', () => {
    const listed = [...tableBelow('Behaviour'), ...tableBelow('Choices')].map(([name, standard]) => [code(name), code(standard)]);
    const known = Object.entries(Switches.parse({})).map(([name, standard]) => [name, JSON.stringify(standard)]);
    expect(listed).toEqual(known);
  });

  test('lists every kind of fault with its fields', () => {
    const listed = tableBelow('Faults').map(([kind, fields = '']) => [
      code(kind),
      [...fields.matchAll(/`(\w+)`/g)].map(([, field]) => field),
    ]);
    const known = Fault.options.map(({ shape }) => [shape.kind.value, Object.keys(shape)]);
    for (const [kind, fields] of known) {
      const [, told = []] = listed.find(([name]) => name === kind) ?? [];
      expect([kind, told]).toEqual([kind, expect.arrayContaining((fields as readonly string[]).filter((field) => field !== 'kind'))]);
    }
    expect(listed.map(([kind]) => kind)).toEqual(known.map(([kind]) => kind));
  });

  test('lists every parameter of a plan, and every end', () => {
    const rows = tableBelow('How a job goes');
    expect(rows.map(([name]) => code(name))).toEqual(Object.keys(PLAN_PARAMETERS));
    const ends = rows.find(([name]) => code(name) === 'SIMULATE_END')?.[1] ?? '';
    expect([...ends.matchAll(/`([\w-]+)`/g)].map(([, end]) => end)).toEqual([...RUN_ENDS]);
  });

  test('names every parameter of a webhook', () => {
    for (const [name] of WEBHOOK_PAYLOAD.matchAll(/\{\{[A-Z_]+\}\}/g)) expect(page).toContain(`\`${name}\``);
  });

  test('names as not implemented only what is not there', async () => {
    const [, section = ''] = page.split('## Not implemented\n');
    const paths = [...section.matchAll(/`(GET|PUT|POST|DELETE) (\/[^`]*)`/g)];
    expect(paths.length).toBeGreaterThan(15);
    const hub = asking();
    for (const [, method = '', path = ''] of paths) {
      const response = await hub.ask(method, path, method === 'GET' ? undefined : {});
      expect([method, path, response.status, await response.text()]).toEqual([
        method,
        path,
        404,
        expect.stringContaining('the simulator has no'),
      ]);
    }
  });
});

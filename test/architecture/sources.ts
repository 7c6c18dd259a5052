/** The sources as files and imports, for the tests of their layout. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** Every TypeScript file below a folder, with `/` between its parts. */
export function sourcesBelow(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => path.posix.join(folder, file.replaceAll('\\', '/')))
    .toSorted();
}

/** `#domain/*` → `./src/domain/*.ts`, as package.json says. */
export const importsMap = (): Readonly<Record<string, string>> =>
  (JSON.parse(readFileSync('package.json', 'utf8')) as { readonly imports: Readonly<Record<string, string>> }).imports;

const IMPORT = /^(?:import|export)\s(?!type\s)(?:[^'";]*?\sfrom\s)?['"]([^'"]+)['"]/gm;

/** The files that a file needs when it runs: what is imported for its types alone is gone by then. */
export function importsOf(file: string): readonly string[] {
  const prefixes = Object.entries(importsMap()).map(([alias, target]) => [alias.slice(0, -1), target.slice(2)] as const);
  return [...readFileSync(file, 'utf8').matchAll(IMPORT)].flatMap(([, from = '']) => {
    if (from.startsWith('./')) return [path.posix.join(path.posix.dirname(file), from)];
    const known = prefixes.find(([prefix]) => from.startsWith(prefix));
    return known ? [known[1].replace('*', from.slice(known[0].length))] : [];
  });
}

/** The first cycle of a graph, as the path that closes it; empty when there is none. */
export function cycleOf(graph: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const done = new Set<string>();
  const walk = (node: string, trail: readonly string[]): readonly string[] => {
    if (trail.includes(node)) return [...trail.slice(trail.indexOf(node)), node];
    if (done.has(node)) return [];
    for (const next of graph.get(node) ?? []) {
      const found = walk(next, [...trail, node]);
      if (found.length > 0) return found;
    }
    done.add(node);
    return [];
  };
  for (const node of graph.keys()) {
    const found = walk(node, []);
    if (found.length > 0) return found;
  }
  return [];
}

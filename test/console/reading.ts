/** Trees as a test reads them. */
import type { Child, Tree } from '#console/tree';

export const textOf = (child: Child | readonly Child[]): string => {
  if (typeof child === 'string') return child;
  if ('tag' in child) return child.children.map(textOf).join('');
  return child.map(textOf).join('\n');
};

export const all = (child: Child | readonly Child[]): readonly Tree[] => {
  if (typeof child === 'string') return [];
  return 'tag' in child ? [child, ...child.children.flatMap(all)] : child.flatMap(all);
};

export function find(child: Child | readonly Child[], tag: string, text = ''): Tree {
  const found = all(child).find((tree) => tree.tag === tag && textOf(tree).includes(text));
  if (!found) throw new Error(`there is no ${tag} with ${text} in ${textOf(child)}`);
  return found;
}

export const has = (child: Child | readonly Child[], tag: string, text = ''): boolean =>
  all(child).some((tree) => tree.tag === tag && textOf(tree).includes(text));

/** The cells of each row of a table's body. */
export const rows = (child: Child | readonly Child[]): readonly (readonly string[])[] =>
  find(child, 'tbody').children.map((row) => (typeof row === 'string' ? [] : row.children.map(textOf)));

/** What a list of facts says of a name. */
export function fact(child: Child | readonly Child[], name: string): string | undefined {
  const told = all(child).find(
    ({ tag, children: [first] }) =>
      tag === 'div' && first !== undefined && typeof first !== 'string' && first.tag === 'dt' && textOf(first) === name,
  );
  return told?.children[1] && textOf(told.children[1]);
}

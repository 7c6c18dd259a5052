/** A path or URL of a definition: a parameter's value, or the text as it stands. Apart, so that workers do not load zod. */
export type Reference = { readonly kind: 'parameter'; readonly name: string } | { readonly kind: 'literal'; readonly text: string };

const REFERENCE = /^\$([A-Za-z_][A-Za-z0-9_]{0,62})$/;

export function reference(text: string): Reference {
  const name = REFERENCE.exec(text)?.[1];
  return name === undefined ? { kind: 'literal', text } : { kind: 'parameter', name };
}

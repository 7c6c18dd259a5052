/**
 * Puts a tree on the screen, changing only what differs from the one before: the focus, the selection, the scroll position
 * and what was typed stay through a refresh. Texts become text nodes, and attributes come from the console's own code: nothing
 * is ever parsed as markup.
 */
import type { Message } from './messages.ts';
import type { Child, Reactions, Tree } from './tree.ts';

export function screen(root: HTMLElement, receive: (message: Message) => void): (tree: Tree) => void {
  const reactions = new WeakMap<EventTarget, Reactions>();
  let before: readonly Child[] = [];

  const reactionOf = (event: Event, name: keyof Reactions): HTMLElement | undefined => {
    for (let node = event.target as HTMLElement | null; node !== null && node !== root; node = node.parentElement)
      if (reactions.get(node)?.[name] !== undefined) return node;
    return undefined;
  };
  root.addEventListener('click', (event) => {
    const element = reactionOf(event, 'click');
    const message = element && reactions.get(element)?.click;
    if (!message || staysWithBrowser(event, element)) return;
    event.preventDefault();
    receive(message);
  });
  root.addEventListener('submit', (event) => {
    const form = reactionOf(event, 'submit');
    const submit = form && reactions.get(form)?.submit;
    if (!submit) return;
    event.preventDefault();
    const data = new FormData(form as HTMLFormElement);
    const text = (name: string): string => {
      const value = data.get(name);
      return typeof value === 'string' ? value : '';
    };
    receive(submit(text));
  });

  return (tree) => {
    const toFocus: HTMLElement[] = [];
    patch(root, before, [tree]);
    before = [tree];
    toFocus.at(-1)?.focus();

    function patch(parent: Node, old: readonly Child[], wanted: readonly Child[]): void {
      wanted.forEach((child, index) => {
        const [was, node] = [old[index], parent.childNodes[index]];
        if (was === undefined || node === undefined) parent.appendChild(made(child));
        else if (typeof child === 'string' && typeof was === 'string') {
          if (child !== was) node.nodeValue = child;
        } else if (typeof child !== 'string' && typeof was !== 'string' && isSame(was, child)) update(node as HTMLElement, was, child);
        else parent.replaceChild(made(child), node);
      });
      for (let extra = parent.childNodes[wanted.length]; extra !== undefined; extra = parent.childNodes[wanted.length])
        parent.removeChild(extra);
    }

    function made(child: Child): Node {
      if (typeof child === 'string') return root.ownerDocument.createTextNode(child);
      const element = root.ownerDocument.createElement(child.tag);
      update(element, { ...child, attributes: {}, children: [] }, child);
      if ('autofocus' in child.attributes) toFocus.push(element);
      return element;
    }

    function update(element: HTMLElement, was: Tree, wanted: Tree): void {
      for (const name of Object.keys(was.attributes)) if (!(name in wanted.attributes)) element.removeAttribute(name);
      for (const [name, value] of Object.entries(wanted.attributes))
        // Focused above, at every page; the browser's own way is for the first alone, and complains after it.
        if (name !== 'autofocus' && was.attributes[name] !== value) element.setAttribute(name, value);
      reactions.set(element, wanted.reactions);
      patch(element, was.children, wanted.children);
    }
  };
}

const isSame = (was: Tree, wanted: Tree): boolean => was.tag === wanted.tag && was.key === wanted.key;

/** A link that is to be opened elsewhere. */
function staysWithBrowser(event: MouseEvent, element: HTMLElement): boolean {
  return element.tagName === 'A' && (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
}

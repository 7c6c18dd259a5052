/**
 * As much of a document as the console touches, and nothing that parses markup. Types are the browser's, so that the console's
 * own code runs on it; `written` tells what was changed.
 */
type Listener = (event: object) => void;

export class StandIn {
  readonly tagName: string;
  readonly attributes = new Map<string, string>();
  readonly childNodes: StandIn[] = [];
  readonly listeners = new Map<string, Listener[]>();
  readonly ownerDocument: StandInDocument;
  parentElement: StandIn | null = null;
  #text = '';

  constructor(document: StandInDocument, tag: string) {
    this.ownerDocument = document;
    this.tagName = tag.toUpperCase();
  }
  get nodeValue(): string {
    return this.#text;
  }
  set nodeValue(text: string) {
    this.#text = text;
    this.ownerDocument.written.push(`text ${text}`);
  }
  get textContent(): string {
    return this.tagName === '#TEXT' ? this.#text : this.childNodes.map(({ textContent }) => textContent).join('');
  }
  appendChild(child: StandIn): void {
    child.parentElement = this;
    this.childNodes.push(child);
    this.ownerDocument.written.push(`append ${child.tagName}`);
  }
  replaceChild(child: StandIn, old: StandIn): void {
    child.parentElement = this;
    this.childNodes.splice(this.childNodes.indexOf(old), 1, child);
    this.ownerDocument.written.push(`replace ${child.tagName}`);
  }
  removeChild(child: StandIn): void {
    this.childNodes.splice(this.childNodes.indexOf(child), 1);
    this.ownerDocument.written.push(`remove ${child.tagName}`);
  }
  setAttribute(name: string, value: string): void {
    this.attributes.set(name, value);
    this.ownerDocument.written.push(`set ${name}`);
  }
  removeAttribute(name: string): void {
    this.attributes.delete(name);
    this.ownerDocument.written.push(`unset ${name}`);
  }
  addEventListener(name: string, listener: Listener): void {
    this.listeners.set(name, [...(this.listeners.get(name) ?? []), listener]);
  }
  focus(): void {
    this.ownerDocument.focused = this;
  }
  all(): readonly StandIn[] {
    return [this, ...this.childNodes.flatMap((child) => child.all())];
  }
  find(tag: string, text = ''): StandIn {
    const found = this.all().find((node) => node.tagName === tag.toUpperCase() && node.textContent.includes(text));
    if (!found) throw new Error(`there is no ${tag} ${text} in ${this.textContent}`);
    return found;
  }
  has(tag: string, text = ''): boolean {
    return this.all().some((node) => node.tagName === tag.toUpperCase() && node.textContent.includes(text));
  }
  field(name: string): StandIn {
    const found = this.all().find(({ attributes }) => attributes.get('name') === name);
    if (!found) throw new Error(`there is no field ${name}`);
    return found;
  }
}

export class StandInDocument {
  readonly written: string[] = [];
  focused: StandIn | undefined;
  title = '';
  hidden = false;
  readonly root = new StandIn(this, 'div');

  createElement(tag: string): StandIn {
    return new StandIn(this, tag);
  }
  createTextNode(text: string): StandIn {
    const node = new StandIn(this, '#text');
    node.nodeValue = text;
    return node;
  }
  querySelector(): StandIn {
    return this.root;
  }
  /** Answers whether the page took the event for itself. */
  fire(name: 'click' | 'submit', target: StandIn, more: object = {}): boolean {
    let taken = false;
    const event = { target, button: 0, preventDefault: () => (taken = true), ...more };
    for (const listener of this.root.listeners.get(name) ?? []) listener(event);
    return taken;
  }
}

/** What was typed stands in `value`, as an attribute. */
export class StandInFormData {
  readonly #form: StandIn;
  constructor(form: StandIn) {
    this.#form = form;
  }
  get(name: string): string | null {
    return this.#form.field(name).attributes.get('value') ?? null;
  }
}

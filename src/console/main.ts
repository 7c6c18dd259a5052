/** The console in a browser: `console.ts` with the surroundings that a browser has. */
import './without-eval.ts';
import { sluiceClient } from '#client/sluice-client';
import { webConsole } from './console.ts';
import { screen } from './dom.ts';

const TOKEN = 'sluice-token';
const TICK_MS = 1000;

const root = document.querySelector<HTMLElement>('#console');
if (!root) throw new Error('the page has no #console');

// The API is beside the console, also where a stage stands before both.
const url = new URL('..', location.href).href;

const show = screen(root, (message) => void page.receive(message));
const page = webConsole({
  clientWith: (token) => sluiceClient({ url, ...(token === undefined ? {} : { token }) }),
  token: {
    read: () => sessionStorage.getItem(TOKEN) ?? undefined,
    keep(token) {
      if (token === undefined) sessionStorage.removeItem(TOKEN);
      else sessionStorage.setItem(TOKEN, token);
    },
  },
  address: {
    read: () => location.search,
    push(address) {
      history.pushState(null, '', address);
    },
  },
  show(tree, title) {
    show(tree);
    if (document.title !== title) document.title = title;
  },
  nowMs: () => Date.now(),
  isSeen: () => !document.hidden,
});

addEventListener('popstate', () => void page.arrive());
setInterval(() => void page.tick(), TICK_MS);
void page.arrive();

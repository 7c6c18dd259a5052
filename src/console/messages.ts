/** What somebody who looks can do. */
import type { Place } from './place.ts';

export type Action = 'cancel' | 'retry';

export type Message =
  | { readonly kind: 'go'; readonly place: Place }
  | { readonly kind: 'sign-in'; readonly token: string }
  | { readonly kind: 'sign-out' }
  | { readonly kind: 'refresh' }
  | { readonly kind: 'follow'; readonly on: boolean }
  /** Nothing is done before it is confirmed. */
  | { readonly kind: 'ask'; readonly action: Action }
  | { readonly kind: 'dismiss' }
  | { readonly kind: 'confirm'; readonly action: Action };

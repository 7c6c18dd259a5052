/** What queries may ask for, where more than one place has to know. */

/** `limit` of a list. */
export const PAGE = { default: 50, most: 500 } as const;

/** `timeout-seconds` of a wait: API Gateway gives an answer 30 s; a caller who wants to wait longer asks again. */
export const WAIT = { default: 20, most: 25 } as const;

/** `order` of a history: which entry comes first. */
export const HISTORY_ORDERS = ['oldest', 'newest'] as const;
